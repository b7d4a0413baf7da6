# Print the packages of packages.txt for one architecture: -v architecture=amd64
{ sub(/#.*/, "") }
NF == 1 || $2 == "[" architecture "]" { print $1 }

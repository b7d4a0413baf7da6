"""`bactofleet aws`: set up AWS for runs, from one CloudFormation template."""

"""`bactofleet aws`: the AWS side of a fleet, from one CloudFormation template."""

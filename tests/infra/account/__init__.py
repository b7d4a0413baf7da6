"""The emulated AWS of tests/aws as an account with CloudFormation and enforced rights."""

"""Runs whose controller is a job of AWS Batch: start, state in the bucket, end."""

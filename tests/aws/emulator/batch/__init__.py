"""What moto's Batch lacks for array jobs; each file says what AWS documents and what moto does.

AWS: https://docs.aws.amazon.com/batch/latest/userguide/what-is-batch.html
moto 5.2.5: ``moto/batch/models.py`` gives each job and each child a thread that runs one container
once.  Queues, compute environments and job definitions are moto's own; jobs are replaced.
"""

"""What `mito-bench exec` measures, through HyperQueue: `true`, four at a time, output off.

    python3 -m venv hq && hq/bin/pip install hyperqueue && hq/bin/python bench/hyperqueue.py [TASKS]

The package from PyPI runs server and worker as threads of this process; the released `hq` program, which is not on PyPI, may be faster. Run
`mito-bench exec` right before or after: only figures of the same minutes on the same machine can be compared, each as a share of a bare spawn loop.
"""
import sys
import time

from hyperqueue import Job
from hyperqueue.cluster import LocalCluster, WorkerConfig

tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
with LocalCluster() as cluster:
    cluster.start_worker(WorkerConfig(cores=4))
    client = cluster.client()
    for _ in range(3):
        job = Job()
        for _ in range(tasks):
            job.program(["true"], stdout=None, stderr=None)
        begin = time.monotonic()
        client.wait_for_jobs([client.submit(job)])
        print(f"{tasks / (time.monotonic() - begin):.0f} tasks/s", flush=True)

"""How long the client takes from its start to its end: `mito client --help`, and a request to a coordinator on loopback.

    python3 bench/client_startup.py [MITO] [--runs N]

Prints the shortest and the median time on the clock, and the median of the CPU time, which holds on a busy machine, too.
"""
from __future__ import annotations

import argparse
import contextlib
import os
import re
import resource
import statistics
import subprocess
import tempfile
import time


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(command: list[str], environment: dict, runs: int) -> str:
    clock, cpu = [], []
    for _ in range(runs):
        used, begin = cpu_of_children(), time.perf_counter()
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        clock.append((time.perf_counter() - begin) * 1000)
        cpu.append((cpu_of_children() - used) * 1000)
    return f"shortest {min(clock):.1f} ms, median {statistics.median(clock):.1f} ms, CPU {statistics.median(cpu):.1f} ms"


@contextlib.contextmanager
def coordinator(mito: str, directory: str, environment: dict):
    """The address of a coordinator on a free port."""
    with open(os.path.join(directory, "log"), "w+b") as log:
        process = subprocess.Popen([mito, "coordinator", "--bind", "127.0.0.1:0", "--data-dir", os.path.join(directory, "data")], env=environment,
                                   cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            for _ in range(1000):
                with open(log.name, encoding="utf-8", errors="replace") as shown:
                    listening = re.search(r"listening on[^\n]*?:(\d+)", shown.read())
                if listening or process.poll() is not None:
                    break
                time.sleep(0.02)
            if not listening:
                raise SystemExit("the coordinator did not start")
            yield f"http://127.0.0.1:{listening[1]}"
        finally:
            process.terminate()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mito", nargs="?", default="build/release/bin/mito", help="the program (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=101)
    arguments = parser.parse_args()
    mito = os.path.abspath(arguments.mito)
    with tempfile.TemporaryDirectory() as directory:
        environment = {"PATH": os.environ["PATH"], "HOME": directory, "MITO_USER": "mitosis_admin", "MITO_PASSWORD": "mitosis_admin"}
        print("mito client --help:", measure([mito, "client", "--help"], environment, arguments.runs))
        with coordinator(mito, directory, environment) as url:
            request = [mito, "client", "-c", url, "users", "groups"]
            subprocess.run(request, env=environment, stdout=subprocess.DEVNULL, check=True)  # logs in
            print("mito client users groups:", measure(request, environment, arguments.runs))


if __name__ == "__main__":
    main()

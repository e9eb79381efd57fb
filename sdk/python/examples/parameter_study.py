# %% [markdown]
# # A parameter study
# One task for each pair of loss rate and number of flows; the results are collected as they come and drawn at the end.
# The cells work in a notebook (`# %%` marks them) and as a script:
# `python parameter_study.py [FILE.png]`.

# %%
import itertools
import json
import sys

from netmito import MitoClient

LOSS_PERCENT = [0.0, 0.5, 1.0, 2.0, 4.0]
FLOWS = [1, 4, 16]

# The measured program. A real study would name a tool here; this one computes what theory says about TCP's throughput.
PROGRAM = """
import json, math, sys
loss, flows = float(sys.argv[1]) / 100, int(sys.argv[2])
rtt, segment, capacity = 0.05, 1448 * 8, 1e9
one = segment / rtt * math.sqrt(1.5 / loss) if loss else capacity
print(json.dumps({"throughput": min(capacity, one * flows)}))
"""


def command(point):
    loss, flows = point
    return ["python3", "-c", PROGRAM, str(loss), str(flows)]


# %% Submit all of them and take each result as it comes
mito = MitoClient.login_as()
throughput = {}
points = list(itertools.product(LOSS_PERCENT, FLOWS))
for done in mito.map(command, points, timeout="10m", labels=["parameter-study"]):
    if not done.succeeded:
        print(f"{done.item}: failed, {done.error or done.task.info.result}", file=sys.stderr)
        continue
    throughput[done.item] = json.loads(mito.task_output(done.uuid).stdout)["throughput"]
    print(f"{len(throughput)}/{len(points)}: loss {done.item[0]} %, {done.item[1]} flows", file=sys.stderr)

# %% A table
print("loss %   " + "".join(f"{flows:>4} flows  " for flows in FLOWS))
for loss in LOSS_PERCENT:
    row = "".join(f"{throughput.get((loss, flows), float('nan')) / 1e6:7.1f} M   " for flows in FLOWS)
    print(f"{loss:<9}{row}")

# %% A plot (with matplotlib, where it is installed)
try:
    import matplotlib

    if len(sys.argv) > 1:
        matplotlib.use("Agg")
    import matplotlib.pyplot as plot
except ImportError:
    print("install matplotlib to see the plot", file=sys.stderr)
else:
    for flows in FLOWS:
        plot.plot(LOSS_PERCENT, [throughput[loss, flows] / 1e6 for loss in LOSS_PERCENT], "o-", label=f"{flows} flows")
    plot.xlabel("packet loss, %")
    plot.ylabel("throughput, Mbit/s")
    plot.yscale("log")
    plot.legend()
    plot.savefig(sys.argv[1]) if len(sys.argv) > 1 else plot.show()

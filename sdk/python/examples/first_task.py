"""Runs one command on some worker and shows what it wrote.

Reads MITO_COORDINATOR_ADDR, MITO_USER and MITO_PASSWORD; a login of `mito client login` is used as well.
"""

from netmito import MitoClient

with MitoClient.login_as() as mito:
    task = mito.submit(["uname", "-sr"], timeout="1m")
    ended = mito.wait(task.uuid, timeout="5m")
    print("state:", ended.info.state.value, "exit code:", ended.info.result and ended.info.result.exit_code)
    print("wrote:", mito.task_output(task.uuid).stdout_text.strip())

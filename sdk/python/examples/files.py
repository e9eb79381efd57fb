"""Gives a task a file of the group, and fetches the directory that it left."""

import pathlib
import tempfile

from netmito import MitoClient

with MitoClient.login_as() as mito, tempfile.TemporaryDirectory() as directory:
    words = pathlib.Path(directory, "words.txt")
    words.write_text("three\nsmall\nwords\n")
    mito.upload_attachment(words, key="examples/words.txt")

    script = 'sort "$MITO_RESOURCE_DIR/words.txt" > "$MITO_RESULT_DIR/sorted.txt"'
    task = mito.submit(["sh", "-c", script], resources={"words.txt": "examples/words.txt"})
    mito.wait(task.uuid, timeout="5m")

    for file in mito.extract_artifact(task.uuid, pathlib.Path(directory, "results")):
        print(file.name, "->", " ".join(file.read_text().split()))

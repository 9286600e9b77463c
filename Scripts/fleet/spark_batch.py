#!/usr/bin/env python3
"""Judges captures with Spark and merges.

usage: spark-submit spark_batch.py LIST OUT [--partitions N]

LIST is a file of paths, one a line, which every executor can open. Spark moves the paths and the records, never the
captures. The records are OUT/part-*, and merged OUT.jsonl.zst. DMALEDGER names the program.
"""

import argparse
import glob
import os
import subprocess

import pandas
from pyspark.sql import SparkSession


def judge(program):
    def run(frames):
        for frame in frames:
            paths = "".join(path + "\0" for path in frame["value"])
            process = subprocess.run(
                [program, "batch", "-0", "--from-file", "-", "--output", "-", "--quiet"],
                input=paths.encode(),
                capture_output=True,
            )
            # 1, 2 and 3 are verdicts, which stand in the records.
            if not 0 <= process.returncode <= 3:
                raise RuntimeError(f"exit code {process.returncode}: {process.stderr.decode(errors='replace')}")
            # Not splitlines(): only a newline ends a record.
            lines = process.stdout.decode().split("\n")[:-1]
            yield pandas.DataFrame({"value": lines})

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list")
    parser.add_argument("out")
    parser.add_argument("--partitions", type=int, default=100)
    options = parser.parse_args()
    program = os.environ.get("DMALEDGER", "dmaledger")

    spark = SparkSession.builder.appName("dmaledger").getOrCreate()
    paths = spark.read.text(options.list).repartition(options.partitions)
    # The lines of a partition are written in their order, so that the records of a capture stay together.
    paths.mapInPandas(judge(program), "value string").write.mode("overwrite").text(options.out)
    spark.stop()
    parts = sorted(glob.glob(os.path.join(glob.escape(options.out), "part-*")))
    merge = [program, "merge", *parts, "--output", options.out + ".jsonl.zst"]
    raise SystemExit(subprocess.run(merge).returncode)


if __name__ == "__main__":
    main()

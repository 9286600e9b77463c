#!/usr/bin/env python3
"""Judges captures with Dask, a shard for each task, and merges.

usage: dask_batch.py CAPTURES OUT [--shards N] [--scheduler ADDRESS] [--workers N]

Without a scheduler a cluster of worker processes is started on this machine. CAPTURES and OUT lie on a file system that
all workers see. The result is OUT/all.jsonl.zst; a run that was killed goes on where it was. DMALEDGER names the program.
"""

import argparse
import glob
import os
import subprocess

from dask.distributed import Client, LocalCluster, as_completed


def judge(program, captures, out, shard, shards):
    """Runs one shard; the verdicts stand in the records, so that only a broken run is an error."""
    part = os.path.join(out, f"part-{shard}.jsonl.zst")
    run = subprocess.run(
        [program, "batch", captures, "--shard", f"{shard}/{shards}", "--resume", "--quiet", "--output", part],
        capture_output=True,
        text=True,
    )
    if run.returncode > 3 or run.returncode < 0 or not os.path.exists(part):
        raise RuntimeError(f"shard {shard}: exit code {run.returncode}: {run.stderr.strip()}")
    return part


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures")
    parser.add_argument("out")
    parser.add_argument("--shards", type=int, default=100)
    parser.add_argument("--scheduler")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    program = os.environ.get("DMALEDGER", "dmaledger")
    os.makedirs(options.out, exist_ok=True)

    cluster = None
    if not options.scheduler:
        # Each worker is a process with one thread: the program has threads of its own.
        cluster = LocalCluster(
            n_workers=options.workers, threads_per_worker=1, processes=True, dashboard_address=None
        )
    with Client(options.scheduler or cluster) as client:
        # Not pure: the same shard may have to be run again.
        tasks = [
            client.submit(
                judge, program, options.captures, options.out, shard, options.shards, pure=False, retries=2
            )
            for shard in range(options.shards)
        ]
        parts = [task.result() for task in as_completed(tasks)]
    if cluster:
        cluster.close()
    missing = set(parts) - set(glob.glob(os.path.join(glob.escape(options.out), "part-*.jsonl.zst")))
    if missing:
        raise SystemExit(f"parts are missing: {sorted(missing)}")
    merged = os.path.join(options.out, "all.jsonl.zst")
    raise SystemExit(subprocess.run([program, "merge", *sorted(parts), "--output", merged]).returncode)


if __name__ == "__main__":
    main()

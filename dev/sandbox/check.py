"""`dev/demo --check`: did each sample job end as it should?"""

import time

_LIMIT_SECONDS = 180
_FINAL = ("done", "failed", "cancelled")
_HEADER = ("job", "description", "state", "attempts", "seconds", "expected", "")


def wait(jobs, samples):
    """The last snapshot by id: when every sample is settled, or the time is up."""
    deadline = time.monotonic() + _LIMIT_SECONDS
    by_id = {}
    for snapshot in jobs.snapshots():
        by_id = {job["id"]: job for job in snapshot}
        settled = all(_is_settled(by_id.get(sample["id"]), sample) for sample in samples)
        if settled or time.monotonic() > deadline:
            break
    return by_id


def report(console, by_id, samples):
    """Print the table; returns the exit code."""
    rows = [_row(by_id.get(sample["id"]), sample) for sample in samples]
    _print_table(console, [_HEADER, *rows])
    wrong = sum(not _is_as_expected(by_id.get(sample["id"]), sample) for sample in samples)
    if wrong or not samples:
        console.say(f"\n  {wrong} of {len(samples)} sample jobs did not end as expected.")
        return 1
    console.say(f"\n  All {len(samples)} sample jobs ended as expected.")
    return 0


def _is_settled(job, sample):
    return job and (_is_as_expected(job, sample) or job["state"] in _FINAL)


def _is_as_expected(job, sample):
    return job is not None and (job["state"], job["attempts"]) == (sample["state"], sample["attempts"])


def _row(job, sample):
    expected = f"{sample['state']}, {sample['attempts']}"
    if job is None:
        return (f"id {sample['id']}", "", "gone", "", "", expected, "WRONG")
    verdict = "ok" if _is_as_expected(job, sample) else "WRONG"
    duration = "" if job["duration"] is None else f"{job['duration']:.3f}"
    name, attempts = job["name"] or "", str(job["attempts"])
    return (job["uuid"][:8], name, job["state"], attempts, duration, expected, verdict)


def _print_table(console, rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    console.say()
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        console.say(f"  {'  '.join(cells)}".rstrip())

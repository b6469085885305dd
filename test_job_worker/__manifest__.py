{
    "name": "Test - Job Worker",
    "summary": "Jobs that end in every way, and tests that run them in real worker processes",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "author": "job_worker contributors",
    "license": "LGPL-3",
    "depends": ["job_worker"],
    "data": ["security/ir.model.access.csv"],
    "installable": True,
}

{
    "name": "Queue Benchmark",
    "summary": "The jobs that benchmarks/run.py measures, the same for each queue of Odoo",
    "version": "19.0.1.0.0",
    "author": "job_worker contributors",
    "license": "LGPL-3",
    "category": "Hidden",
    "depends": ["base"],
    "data": ["security/ir.model.access.csv"],
    "installable": True,
}

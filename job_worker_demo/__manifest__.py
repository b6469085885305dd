{
    "name": "Job Worker Demo",
    "summary": "Sample jobs that show what the queue does",
    "version": "19.0.1.0.0",
    "category": "Technical",
    "author": "job_worker contributors",
    "license": "LGPL-3",
    "depends": ["job_worker"],
    "data": [
        "security/ir.model.access.csv",
        "views/queue_demo_task_views.xml",
    ],
    "demo": ["demo/queue_demo_task.xml"],
    "installable": True,
}

{
    "name": "Job Worker Monitor",
    "summary": "See how the queue is doing",
    "version": "19.0.1.0.0",
    "category": "Technical",
    "author": "job_worker contributors",
    "license": "LGPL-3",
    "depends": ["job_worker", "mail"],
    "data": ["views/queue_job_views.xml"],
    "installable": True,
}

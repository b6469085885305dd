{
    "name": "Job Worker",
    "summary": "Background jobs run by worker processes, pulled straight from PostgreSQL",
    "version": "19.0.1.0.0",
    "category": "Technical",
    "author": "job_worker contributors",
    "license": "LGPL-3",
    "depends": ["base", "web"],
    "data": [
        "security/queue_groups.xml",
        "security/ir.model.access.csv",
        "security/queue_rules.xml",
        "views/queue_job_views.xml",
        "views/queue_worker_views.xml",
        "views/queue_menus.xml",
    ],
    "installable": True,
    "application": True,
}

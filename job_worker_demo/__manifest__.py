{
    "name": "Job Worker Demo",
    "summary": "Scenarios that show what the queue does, to start and to watch",
    "version": "19.0.1.0.0",
    "category": "Technical",
    "author": "job_worker contributors",
    "license": "LGPL-3",
    "depends": ["job_worker"],
    "data": [
        "security/ir.model.access.csv",
        "views/queue_demo_task_views.xml",
        "views/queue_demo_scenario_views.xml",
        "data/queue_demo_scenario.xml",
        "data/queue_limit.xml",
    ],
    "demo": ["demo/queue_demo_task.xml"],
    "assets": {
        "web.assets_tests": ["job_worker_demo/static/tests/tours/**/*"],
    },
    "uninstall_hook": "uninstall_hook",
    "installable": True,
}

"""Models behind HTTP: SageMaker's routes, and beyond them neighbours, metrics and a page.

    models.py        what is served, and how a newer version takes its place
    endpoint.py      create_app: every route; invocations.py is the one that has to be fast
    server.py        uvicorn and signals; processes.py has several of them

It knows no algorithm, and no Prefect.
"""

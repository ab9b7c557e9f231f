"""A stand-in for the Azure Functions host, for one machine.

It keeps what the app relies on: the Event Grid webhook, retries and poison queues, queue triggers, timers, workers in
processes of their own. It leaves the rest out. Scale is Azure Functions' own.
"""

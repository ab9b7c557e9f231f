"""A local stand-in for the Azure Functions host.

It does what the app relies on: the Event Grid webhook, retries and poison queues, queue triggers, timers, and worker
processes. It does nothing else; scaling is Azure Functions' own.
"""

"""Webhooks: what happens to pictures and models is posted as CloudEvents to addresses that administrators register.

`Webhooks` (registry.py) is what pages, API and command line use. `Deliverer` (deliverer.py) runs beside the runner of
jobs: it reads the change feed of the records (feed.py), writes each event down for each webhook that wants it
(outbox.py), and has it sent (lane.py, sending.py).
"""

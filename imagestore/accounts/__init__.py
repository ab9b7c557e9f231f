"""Who may do what: accounts, sessions, keys, one-time links, tokens and the audit log. It answers no requests itself.

Documents are in two containers: `accounts` holds all but the audit log, told apart by `type`; `audit` is only added
to. Ids are hashes of what is presented (an email address, a token), so that each is found by one read and no secret is
kept.
`service.Accounts` brings the parts together for the web app; the command line uses them one by one.
"""

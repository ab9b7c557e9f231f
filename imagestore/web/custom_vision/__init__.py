"""Custom Vision's API, for programs that go on with another endpoint and key: docs/from-custom-vision.md."""

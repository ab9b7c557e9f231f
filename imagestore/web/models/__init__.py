"""The models as the web app uses them: to classify for whoever asks, and to tell what is live."""

"""labstow over REST: an application made by `app.create_app`, in the shapes of MADSci's published clients."""

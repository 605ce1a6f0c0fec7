"""A trained model as files for people who do not have this program, each proven to answer like it."""

"""What the notebooks in `notebooks/` stand on: figures, pictures, and one model that all four look at.

A notebook reads, asks and shows; whatever takes more than a few lines is here, where it is tested. In come histories
and a finished run, out go plain values and pictures without a script. Decides nothing, and nothing else imports it.
"""

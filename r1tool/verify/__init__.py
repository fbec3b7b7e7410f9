"""Whether each answer agrees with the reference: the stage behind `r1tool verify`."""

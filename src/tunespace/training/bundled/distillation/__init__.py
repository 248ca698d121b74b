"""Knowledge distillation: a small audio tower trained on the outputs of larger taggers.

Hinton et al. 2015: a student that is trained on its teachers' outputs instead of labels needs no
labelled music. The outputs are logits, standardised per output, and the student has the same
outputs.
"""

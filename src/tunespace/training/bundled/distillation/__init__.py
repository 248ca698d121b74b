"""A small audio tower that learns from the outputs of larger taggers (knowledge distillation).

Hinton et al. 2015: a student that is trained on what its teachers say, not on labels, needs no
labelled music. Here the teachers speak in logits, standardised per output, and the student
answers with the same outputs.
"""

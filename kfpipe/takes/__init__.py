"""Typed shots -> takes: each with its finished prompt, its fingerprint, its size and its price.

build        one pass over a manifest: takes, and all that is wrong with them
expand, matrix    a shot's cells                     sources      whose clip a take continues
prompts, language, sandbox    templates -> texts     inputs       the files that takes are made of, read once
preparation  stills as they are sent
model_rules, media_rules      what the chosen model and region take
prices       per second of video, and where each price comes from
fingerprint  the digest of all that decides the pixels
trims        what the film takes of a clip
resolve      a take that waited for another's clip, completed
"""

"""The film itself: the clips of a timeline, decoded, joined and encoded again as one MP4.

edit        what the film shows and when: trims, joins, size, rate
pictures    clips -> the film's pictures, one after another
conform     a clip's pictures in the film's size, rate and colours
slate       the picture that stands for a shot without a clip
sound       clips and music -> the film's sound
writing     pictures and sound -> the file
"""

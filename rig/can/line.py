"""What a long bus does to its bits: how late a level has settled, and how often it is misread.

Rules of this file: a level is settled when the edge has run to the far end and back, and every
node's input capacitance has followed. Who samples a bit before that, give or take the noise of one
frame, misreads it and answers with an error frame. All numbers are chosen, and of the order that
cables, transceivers and controllers are sold with.
"""

import math

DELAY_US_PER_M = 0.005  # one way: two thirds of the speed of light
LOOP_US = 0.25  # of a transceiver and a controller together
LOAD_US_PER_NODE = 0.005
NOISE_US = 0.04  # of the instant at which a level is settled, from frame to frame
NEVER_FROM_SIGMA = 6.0


def settled_us(length_m: float, nodes: int) -> float:
    """How long after a bit's begin its level has settled everywhere on a bus of ``nodes``."""
    return 2.0 * DELAY_US_PER_M * length_m + LOOP_US + LOAD_US_PER_NODE * nodes


def misread_share(sample_us: float, settles_us: float) -> float:
    """The share of frames that a node misreads that samples so long after a bit's begin."""
    margin = (sample_us - settles_us) / NOISE_US
    return 0.0 if margin >= NEVER_FROM_SIGMA else 0.5 * math.erfc(margin / math.sqrt(2.0))

"""A short text to train a small language model on, written for this site.

Six tales in plain words, in small letters, with commas and full stops and nothing else.
"""

from __future__ import annotations

__all__ = ["text"]


def text() -> str:
    """Return the tales: lower-case letters, spaces, commas, full stops and line ends.

    Examples:
        >>> text().splitlines()[0]
        'the miller and the river'
        >>> len(set(text()))
        27
    """
    return _TALES.strip() + "\n"


_TALES = """
the miller and the river

a miller lived by a river. the river turned the wheel, the wheel turned the stone, and the stone
ground the corn. in a dry summer the river ran low, and the wheel stood still. the miller went to
the river and said, why do you not turn my wheel. the river said, i turn what i can reach. then the
miller dug the bed of the river deeper, and the water came to the wheel, and the wheel turned the
stone, and the stone ground the corn. from then on, when the mill stood still, the miller did not
scold the stone. he looked at the wheel first, and at the river before the wheel.

the two sisters and the wall

two sisters had to build a wall. the older one laid the stones as they came, large and small, and
was done by noon. the younger one laid the large stones first and the small ones on top, and was not
done by night. why are you so slow, said the older sister. in the winter the frost came, and the
wind came, and the rain came. the wall of the older sister fell. the wall of the younger sister
stood. in the spring they built the other wall anew, the two of them together, with the large stones
first and the small ones on top.

the fox at the well

a fox came to a well and saw the moon in the water. there is a cheese in the well, said the fox, and
went down in the bucket. the water was cold, and there was no cheese. a wolf came by and looked down
into the well. what are you doing there, said the wolf. i am eating cheese, said the fox, and there
is more than i can eat. come down in the other bucket. so the wolf went down, and the fox went up,
for the one bucket is up when the other is down. thank you, said the fox. that is how it goes with
wells. the one goes up, and the other goes down.

the old man and the letters

an old man wrote a letter to his son each week, and his son did not answer. in the first year he
wrote long letters, and in the second year he wrote short ones. in the third year he wrote no more
than a line. then the son came home. why did you not answer, said the old man. i answered each of
them, said the son, but the river was high and the bridge was gone, and no letter came over. so they
built the bridge anew, and from then on the letters came and went, long ones and short ones, over
the bridge.

the bell of the village

in a village there was a bell that nobody heard. it hung too low, behind the houses, and its voice
stayed between the walls. the people said, the bell is too small, let us make a larger one. they
made a larger one and hung it in the same place, and nobody heard it. they made one that was larger
still, and the walls shook, and nobody heard it in the fields. then a child said, why do you not
hang it higher. so they took the first bell, the small one, and hung it on the hill, and it was
heard in the fields, and by the river, and at the mill.

the snail and the hill

a snail went up a hill. each day it went up three steps, and each night it slid down two. a bird
said to the snail, you will not come to the top, for at night you lose what you have won by day. i
lose two and i win three, said the snail. the bird flew away, and came back in a month, and the
snail sat on the top of the hill and looked at the river, and at the mill, and at the village with
the bell. how did you do it, said the bird. one step a day, said the snail, and then one more.
"""

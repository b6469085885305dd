"""Repetitions, side by side."""


def interleave(sides, repetitions, console, measure):
    """Measure A B A B ..., so that what disturbs the machine for a while disturbs both.

    :param measure: function of a side that returns its answer
    :return: `{side's key: [answer, ...]}`
    """
    answers = {side.product.key: [] for side in sides}
    for number in range(1, repetitions + 1):
        for side in sides:
            with console.step(f"Repetition {number} of {repetitions}, {side.product.title}"):
                answers[side.product.key].append(measure(side))
    return answers

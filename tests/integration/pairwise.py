"""All pairs: few cases in which every two values of different dimensions still meet. Deterministic."""

import itertools


def pairs_of(case):
  """The pairs in a case, which is a dict and may lack dimensions."""
  return {frozenset(two) for two in itertools.combinations(sorted(case.items(), key=str), 2)}


def all_pairs(dimensions, allowed):
  """Cases as dicts. `dimensions`: name → values; `allowed` judges a case that may lack dimensions yet."""
  names = sorted(dimensions, key=lambda name: -len(dimensions[name]))
  wanted = {}
  for one, two in itertools.combinations(names, 2):
    for values in itertools.product(dimensions[one], dimensions[two]):
      pair = {one: values[0], two: values[1]}
      if _complete(pair, names, dimensions, allowed) is not None:
        wanted[frozenset(pair.items())] = pair
  cases = []
  while wanted:
    case = dict(next(iter(wanted.values())))
    for name in names:
      if name not in case:
        case[name] = _best(case, name, names, dimensions, allowed, wanted)
    for pair in pairs_of(case):
      wanted.pop(pair, None)
    cases.append(case)
  return cases


def _best(case, name, names, dimensions, allowed, wanted):
  """The value that meets most of what is still wanted and leaves the case possible."""
  def gain(value):
    return sum(frozenset(((name, value), item)) in wanted for item in case.items())
  # Among equals, the one that has had the fewest turns: the order changes with what is left.
  turn = len(wanted)
  values = list(dimensions[name])
  values = values[turn % len(values):] + values[:turn % len(values)]
  for value in sorted(values, key=gain, reverse=True):
    if _complete(dict(case, **{name: value}), names, dimensions, allowed) is not None:
      return value
  raise AssertionError("no value of %s goes with %r" % (name, case))


def _complete(case, names, dimensions, allowed):
  """The case with all dimensions, or None when that cannot be."""
  if not allowed(case):
    return None
  name = next((name for name in names if name not in case), None)
  if name is None:
    return case
  for value in dimensions[name]:
    found = _complete(dict(case, **{name: value}), names, dimensions, allowed)
    if found is not None:
      return found
  return None

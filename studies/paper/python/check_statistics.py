"""Computes every statistic of a report again from its table of measurements, by scipy, and compares.

    python check_statistics.py study_quick/report

Needs scipy. Reads measurements.csv and statistics.csv, and nothing else; prints how many statistics of each kind agree,
and ends with an error if one does not.
"""

import csv
import math
import pathlib
import sys
from collections import Counter, defaultdict

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
# Quantiles of two libraries, and decimal text between them.
TOLERANCE = 1e-6


def read(folder):
    """Values by (network, measure, training), and the rows of statistics."""
    values = defaultdict(list)
    with open(folder / "measurements.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            values[row["network"], row["measure"], int(row["training"])].append(float(row["value"]))
    with open(folder / "statistics.csv", newline="", encoding="utf-8") as file:
        return values, list(csv.DictReader(file))


class Table:
    def __init__(self, values):
        self.values = values
        self.trainings = range(1 + max(training for _, _, training in values))

    def groups(self, network, measure):
        found = (self.values.get((network, measure, training)) for training in self.trainings)
        return [np.array(group) for group in found if group]

    def means(self, network, measure):
        return np.array([group.mean() for group in self.groups(network, measure)])

    def pairs(self, network, measures):
        rows = []
        for training in self.trainings:
            both = [self.values.get((network, measure, training)) for measure in measures]
            if all(both):
                rows.append([np.mean(values) for values in both])
        return rows


def mean(table, measures, networks, _):
    sample = table.means(networks[0], measures[0])
    reach = stats.t.ppf(0.5 + CONFIDENCE / 2, len(sample) - 1) * stats.sem(sample)
    return sample.mean(), sample.mean() - reach, sample.mean() + reach


def difference(table, measures, networks, _):
    a, b = (table.means(network, measures[0]) for network in networks)
    gap = a.mean() - b.mean()
    if a.var() == 0 and b.var() == 0:
        return gap, gap, gap
    interval = stats.ttest_ind(a, b, equal_var=False).confidence_interval(CONFIDENCE)
    return gap, interval.low, interval.high


def effect(table, measures, networks, null):
    samples = [table.means(network, measures[0]) for network in networks]
    freedom = sum(len(s) - 1 for s in samples)
    deviation = math.sqrt(sum(s.var(ddof=1) * (len(s) - 1) for s in samples) / freedom)
    gap = samples[0].mean() - (samples[1].mean() if len(samples) == 2 else null)
    g = (1 - 3 / (4 * freedom - 1)) * gap / deviation
    error = math.sqrt(sum(1 / len(s) for s in samples) + g * g / (2 * sum(len(s) for s in samples)))
    reach = stats.norm.ppf(0.5 + CONFIDENCE / 2) * error
    return g, g - reach, g + reach


def rank_correlation(pairs):
    rho = stats.spearmanr(*np.array(pairs).T).statistic
    inner = min(max(rho, -0.9999), 0.9999)
    reach = stats.norm.ppf(0.5 + CONFIDENCE / 2) * math.sqrt((1 + inner**2 / 2) / (len(pairs) - 3))
    return rho, math.tanh(math.atanh(inner) - reach), math.tanh(math.atanh(inner) + reach)


def correlation(table, measures, networks, _):
    return rank_correlation([pair for network in networks for pair in table.pairs(network, measures)])


def cell_correlation(table, measures, networks, _):
    found = (table.pairs(network, measures) for network in networks)
    return rank_correlation([np.mean(pairs, axis=0) for pairs in found if pairs])


def share(table, measures, networks, _):
    groups = [group for network in networks for group in table.groups(network, measures[0])]
    total, count = sum(len(g) for g in groups), len(groups)
    overall = np.concatenate(groups).mean()
    size = (total - sum(len(g) ** 2 for g in groups) / total) / (count - 1)
    among = sum(len(g) * (g.mean() - overall) ** 2 for g in groups) / (count - 1)
    inside = sum(((g - g.mean()) ** 2).sum() for g in groups) / (total - count)
    between = max((among - inside) / size, 0)
    if inside == 0:
        estimate = 1.0 if between > 0 else 0.0
        return estimate, estimate, estimate
    tail = (1 - CONFIDENCE) / 2
    ends = []
    for p in (1 - tail, tail):
        ratio = among / inside / stats.f.ppf(p, count - 1, total - count)
        ends.append(min(max((ratio - 1) / (ratio + size - 1), 0), 1))
    return between / (between + inside), *ends


def proportion(table, measures, networks, _):
    sample = table.means(networks[0], measures[0])
    hits = int((sample == 1).sum())
    interval = stats.binomtest(hits, len(sample)).proportion_ci(CONFIDENCE, method="exact")
    return hits / len(sample), interval.low, interval.high


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    values, rows = read(pathlib.Path(sys.argv[1]))
    table = Table(values)
    agree, wrong = Counter(), []
    for row in rows:
        compute = globals()[row["kind"]]
        found = compute(table, row["measures"].split("|"), row["networks"].split("|"), float(row["null"]))
        theirs = [float(row[name]) for name in ("estimate", "low", "high")]
        # Relative to the interval, which may be far from 0 or around it.
        scale = max(abs(theirs[2] - theirs[1]), abs(theirs[0]), 1e-9)
        if all(abs(a - b) <= TOLERANCE * scale for a, b in zip(found, theirs)):
            agree[row["kind"]] += 1
        else:
            wrong.append((row, [float(value) for value in found]))
    for kind, count in sorted(agree.items()):
        print(f"{kind:<20}{count:>5} agree")
    for row, found in wrong:
        print("differs:", dict(row), "scipy:", found)
    if wrong or not rows:
        sys.exit(f"{len(wrong)} of {len(rows)} statistics differ")


main()

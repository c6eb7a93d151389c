"""Sentence templates of the synthetic corpora, tokens separated by spaces.

``{slot}`` stands for a name (``{gene}``, ``{sp.microbe}``) or a filler (``{adv}``, ``{n}``). The
first word is written in lower case and the full stop is left out: an opener may come before and
a tail after. ``[chem:lead]`` is a slot with its name already in place. Neither says whether the
name is tagged; the corpus does.
"""

from __future__ import annotations

from collections.abc import Mapping


def _lines(text: str) -> tuple[str, ...]:
    return tuple(" ".join(line.split()) for line in text.splitlines() if line.strip())


# Without any name: what an annotator skips.
PLAIN = _lines("""
    the mean age of the {group} was {n} years and the follow - up was {n} {unit}
    these findings lead to {adj} questions that {study} could not answer
    all experiments were repeated {n} times and differences were tested by {method}
    the limitations of {study} include its size and the lack of a gold standard
    samples were kept at {n} degrees in cold buffer and analysed by {method}
    {author} and {author} {found} no effect of age on {measure} in {year}
    informed consent was obtained from all {group} in {city} , {country}
    values are given as means +/- S . D . of {n} determinations
    the authors are grateful to A . {author} and M . {author} for technical help
    {measure} returned back to baseline in the treatment arm but not in the control arm
    statistical analysis was carried out with software version {d} . {d} ( {company} , {city} )
    a total of {n} articles were retrieved and {d} of them met the criteria
    there was no difference in {measure} between {group} and {group}
    further work is needed before these results can be applied to {group}
    {fig} shows {measure} over {n} {unit} in both groups
    the questionnaire was completed by {pct} of the {group} around the clock
    we thank Dr . {author} ( {city} , {country} ) for critical reading of the manuscript
    white light was used and images were taken every {n} {unit}
""")

SHARED = _lines("""
    {chem} {adv} {verb} {measure} in {group} with {dis}
    treatment with {chem} {adv} {verb} the expression of {gene} in {cell}
    {group} with {dis} were treated with {chem} at {n} {dose}
    {gene} was {adv} expressed in {anat} of {group} with {dis}
    infection with {sp.pathogen} led to {dis} in {pct} of the {group}
    {sp.pathogen} was isolated from {anat} of {group} with {dis}
    {cell} were isolated from {anat} and incubated with {chem}
    the level of {gene} in {cell} was {adv} higher than in {cell}
    no association was {found} between {dis} and {gene}
    {n} {sp.animals} were given {chem} and {measure} was measured by {method}
    the role of {gene} in {dis} has been {found} by {author} et al
    {verb} levels of {gene} and {gene} were {found} in {anat}
    {group} infected with {sp.pathogen} had {verb} {measure}
    neither {chem} nor {chem} {verb} {measure} in {sp.animal} {anat}
    {dis} is a {adj} complication of {dis} in {group}
    lesions of the {anat} were {found} by {method} in {n} {group}
    {cell} from {group} with {dis} produce {gene} when exposed to {sp.microbe}
    {enz} activity was {adv} {verb} by {chem}
    {author} 's group was the first to describe {gene} in {sp}
    we {found} {adv} more {cell} in {anat} than in {anat} of the same {group}
    {chem} is used {latin} to protect {cell} from {chem}
    the effect of {chem} on {dis} was compared with that of {chem} and placebo
""")

GENETICS = _lines("""
    {gene} binds to {gene} and activates the {gene} promoter {latin}
    the {gene} gene maps to chromosome {d} q{n} , close to {gene}
    mutations in {gene} and {gene} cause {dis}
    overexpression of {gene} {verb} phosphorylation of {gene} at Ser{n}
    {gene} mRNA was {adv} {verb} in {cell} lacking {gene}
    we cloned {gene} , a {adj} homologue of {gene} , from {sp} by {method}
    deletion of {gene.bacterial} in {sp.microbe} {verb} {measure}
    {gene} , {gene} and {gene} form a complex that is sensitive to {chem}
    antibodies against {gene} were obtained from {company} ( {city} )
    knockdown of {gene} by siRNA {verb} {measure} in {cell}
    interaction between {gene} and {gene} was {found} by {method}
    promoter methylation of {gene} was {found} in {pct} of the tumors
    {gene} encodes a {adj} protein of {n} kDa that is secreted by {cell}
    expression of {gene.bacterial} and {gene.bacterial} is under control of {gene.bacterial}
    {gene} stimulates transcription of {gene} through {gene}
    white matter was normal in {group} who carried two copies of {gene}
    the {gene} locus was sequenced in {n} {group} from {city}
    heat shock at {n} degrees {verb} translation but not the level of {gene}
    {sp.animal} {gene} and its {sp.animal} orthologue share {pct} identity
""")

PHARMACOLOGY = _lines("""
    {chem} - induced {dis} was {found} in {n} of {n} {group}
    a {n} - year - old man developed {dis} after taking {chem} for {n} {unit}
    the incidence of {dis} and {dis} was higher with {chem} than with {chem}
    {chem} {verb} {dis} , {dis} and {measure} in {sp.animals}
    oral {chem} ( {n} {dose} ) {adv} {verb} the symptoms of {dis}
    {group} on {chem} should be monitored for {dis}
    withdrawal of {chem} leads to {dis} in {pct} of {group}
    {dis} has been {found} after {adj} doses of {chem} or {chem}
    pretreatment with {chem} prevented {dis} caused by {chem}
    the toxicity of {chem} is due to its conversion to {chem} in the {anat}
    stroke volume and {measure} were unchanged by {chem}
    {chem} and {chem} were dissolved in [chem:ethanol] and kept in the cold
    depression of synaptic currents by {chem} was {found} in {anat} slices
    {group} with {dis} , {dis} or {dis} were excluded
    serum concentrations of {chem} were measured by {method} in {group} with {dis}
    exposure to [chem:lead] was {adv} related to {dis} in {country}
    combined use of {chem} and {chem} may lead to {dis}
    the diagnosis of {dis} was confirmed by {method} and {chem} was stopped
    risk of {dis} during therapy with {chem} , a {adj} inhibitor of {gene}
""")

CELLS = _lines("""
    {cell} in the {anat} were stained for {gene} and counted under the microscope
    the {anat} and the {anat} contain {adv} more {cell} than the {anat}
    {cell} migrate from the {anat} to the {anat} during development
    differentiation of {cell} into {cell} requires {gene} and {chem}
    {gene} is expressed by {cell} but not by {cell} of the {anat}
    coculture of {cell} with {cell} {adv} {verb} the release of {chem}
    biopsies of {anat} were taken from {group} with {dis}
    sections of {anat} showed infiltration by {cell} and {cell}
    apoptosis of {cell} was {found} in the {anat} of {sp.animals} given {chem}
    transplanted {cell} survived for {n} {unit} in the {anat}
    blood flow in the {anat} was {verb} after ligation of the {anat}
    {cell} were cultured with {chem} , {gene} or both
    projections from the {anat} reach the {anat} in {sp.animals}
    the [anat:back] of each hand and one [anat:arm] were exposed to {chem}
    by eye , {cell} could be told from {cell} by {method}
    {cell} adhere to {gene} and spread {adv}
    staining of the {anat} was {adv} {verb} in tissue lacking {gene}
    {gene} - positive {cell} line the {anat}
    a {n} mm lesion was {found} in the {anat} , next to the {anat}
""")

INFECTION = _lines("""
    {sp.microbe} and {sp.microbe} were the most common isolates from {anat}
    strains of {sp.microbe} resistant to {chem} carry the {gene.bacterial} gene
    {gene.bacterial} of {sp.microbe} is required for growth in {sp.animals}
    {cell} infected with {sp.pathogen} release {gene} and {gene}
    {sp.virus} replicates in {cell} and spreads to the {anat}
    the {gene.bacterial} mutant of {sp.microbe} was killed by {chem}
    {sp.animals} and {sp.animals} are natural hosts of {sp.pathogen}
    susceptibility of {sp.microbe} to {chem} and {chem} was tested in {city}
    {sp.plant} leaves were inoculated with {sp.pathogen} and sprayed with {chem}
    antibodies to {sp.virus} were {found} in {pct} of {sp.animals} from {country}
    members of the genus {genus} and of the family {taxon} were rare
    {sp.microbe} forms biofilms on {anat} when {gene.bacterial} is {verb}
    {sp.pathogen} causes {dis} in {sp.animals} and , {adv} , in {group}
    {chem} is taken up by {sp.microbe} through {gene.bacterial}
    coinfection with {sp.pathogen} and {sp.pathogen} was {found} in {d} {group}
    {gene} protects {sp.animals} from {sp.pathogen}
    a vaccine against {sp.pathogen} {verb} {measure} in {sp.animals}
    the genome of {sp.microbe} contains {n} copies of {gene.bacterial}
    uptake of {sp.microbe} by {cell} depends on {gene}
    {sp.animal} {cell} take up {sp.microbe} more {adv} than {cell} of other hosts
    {sp.animal} {anat} was a {adj} source of {sp.pathogen} in {country}
""")

ENZYMES = _lines("""
    {enz} from {sp} was purified to homogeneity and has a mass of {n} kDa
    the activities of {enz} and {enz} were {adv} {verb} by {chem}
    {chem} is converted to {chem} by {enz}
    {enz} deficiency leads to {dis} in {group}
    kinetics of {enz} and {enz} were studied {latin} at pH {d} . {d}
    {chem} is a {adj} inhibitor of {enz} with a Ki of {n} {dose}
    {gene} and {enz} were released from {cell} into the serum
    {enz} , {enz} and {gene} were assayed in {anat} of {sp.animals}
    elevated {enz} in {group} with {dis} returned to normal after {n} {unit}
    thermostable {enz} of {sp.microbe} retains {pct} of its activity for {n} {unit}
    the {enz} gene was expressed under the {gene.bacterial} promoter
    substrates of {enz} were separated by {method}
    immobilized {enz} was used to measure {chem} in {anat}
    binding of {chem} to {enz} {verb} {measure}
""")

SPECIES = _lines("""
    {sp.microbe} was recovered from {n} water samples in {country}
    {sp.animals} were sampled near {city} and tested for {sp.pathogen}
    infected {sp.animals} shed {sp.pathogen} for {n} {unit}
    phylogenetic analysis placed {sp.microbe} outside the genus {genus}
    {n} adult {sp.animals} were housed in groups and fed ad libitum
    the draft genome of {sp.microbe} has {n} contigs
    {sp.animals} were kept in isolation and inoculated with {sp.microbe}
    unlike {sp.animal} {gene} , {gene} of {sp.microbe} is not cleaved by {enz}
    {cell} of {sp.animal} origin were {adv} more sensitive to {chem}
    we report the cloning of {gene} from {sp.microbe} and its expression {latin}
    {sp.pathogen} is transmitted by ticks and fleas in {country}
    the {sp.animal} genome encodes {n} members of the {gene} family
    outbreaks of {sp.pathogen} were {found} in {country} and {country}
    germination of {sp.plant} seeds was {verb} by {chem}
    a {adj} isolate of {sp.microbe} grew on {chem} as sole carbon source
    {sp.microbe} colonizes the {anat} without causing {dis}
    {gene.bacterial} is conserved in {sp.microbe} but absent from {sp.microbe}
    sequences from {sp.animals} and from {sp.microbe} were aligned
    fermentation by {sp.microbe} yields {chem} and {chem}
    {group} bitten by {sp.animals} were treated with {chem}
    protein extracts of {sp.microbe} were compared by {method}
    ticks that feed on {sp.animals} were killed by {chem}
    {sp.animals} deficient in {gene} develop {dis} at {n} {unit}
    {measure} of {sp.animals} was {found} in {study}
    the diet of {sp.animals} in {country} was examined by {author} et al
    {sp.animal} {anat} was fixed and stained for {gene}
    transgenic {sp.animals} expressing {gene} had {verb} {measure}
    growth of {sp.microbe} was {adv} {verb} by {chem}
    {dis} in {sp.animals} resembles {dis} in {group}
    serum of {sp.animals} neutralized {sp.virus}
""")

# In the target's documents: names of other types, higher ranks, Latin phrases, people, and words
# that name an organism elsewhere. Nothing here is to be tagged.
SPECIES_DECOYS = _lines("""
    the families {taxon} and {taxon} were {adv} represented in {study}
    members of the genus {genus} were not {found} in {city}
    A . {author} and B . {author} reviewed the taxonomy of {taxon}
    T . {author} et al . examined the {anat} and the {anat} by {method}
    {dis} and {dis} were treated with {chem} or {chem}
    {gene} and {gene} bind {chem} {latin} and {latin}
    the cat gene confers resistance to {chem} and was cloned next to {gene.bacterial}
    plates were coated with rat tail collagen or {gene} for {n} {unit}
    yeast two - hybrid assays showed that {gene} binds {gene}
    medium with yeast extract and {chem} was obtained from {company}
    Rice et al . {show} that {chem} {verb} {measure}
    human resources and human error were named as causes by {n} {group}
    a computer mouse was used to trace the {anat} on the screen
    chicken pox and {dis} were {adv} {found} in {group} from {country}
    the pig iron was analysed for {chem} and {chem} by {method}
    {cell} of the {anat} were fixed in {chem} and stained for {gene}
    the {gene.bacterial} operon and the {gene.bacterial} gene were sequenced
    {dis} of the {anat} was treated with {chem} in {city}
    Dog Island , {city} and {city} were chosen as study sites
    the Horse Creek and Wolf River basins were sampled in {year}
    {genus} spp . and {taxon} were excluded from the analysis by {author} and {author}
    {group} of {city} Hospital with {dis} were enrolled in {year}
    {enz} and {enz} were assayed in {anat} as in {author} et al
    the Latin names follow {author} ( {year} ) , sensu stricto
""")

TOPICS: Mapping[str, tuple[str, ...]] = {
    "genetics": GENETICS,
    "pharmacology": PHARMACOLOGY,
    "cells": CELLS,
    "infection": INFECTION,
    "enzymes": ENZYMES,
    "species": SPECIES,
    "decoys": SPECIES_DECOYS,
    "shared": SHARED,
    "plain": PLAIN,
}

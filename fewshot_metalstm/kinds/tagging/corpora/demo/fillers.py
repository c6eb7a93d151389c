"""What stands in the synthetic sentences and is never a mention: fillers, openers and tails.

Among them are what looks like a name: people, places, firms, methods, Latin phrases, figures.
"""

from __future__ import annotations

from collections.abc import Mapping

from fewshot_metalstm.kinds.tagging.corpora.demo.morphemes import SURNAMES, phrases, words

FILLERS: Mapping[str, tuple[str, ...]] = {
    "adv": words("""
        significantly markedly strongly partially rapidly consistently transiently weakly
        selectively substantially rarely frequently
    """),
    "verb": words("reduced increased altered attenuated enhanced suppressed restored blocked"),
    "show": words("show demonstrate report suggest find conclude confirm propose"),
    "found": words("observed detected identified measured documented reported described"),
    "author": SURNAMES[16:],
    "country": words("Turkey Japan Brazil Kenya Norway Vietnam Chile Austria Canada Guinea"),
    "city": phrases("Lyon; Kyoto; Lagos; St . Anselm; Porto; Uppsala; Turin; Santa Clara"),
    "company": words("Sigma Invitrogen Novalab Merieux Bioscan Roche Amersham"),
    "latin": phrases("in vitro; in vivo; ex vivo; de novo; in situ; per os"),
    "group": words("patients children women volunteers adults controls neonates outpatients"),
    "method": phrases("""
        Western blotting; flow cytometry; real - time PCR; Northern blot analysis; ELISA;
        mass spectrometry; electron microscopy; the Kaplan - Meier method; Gram staining;
        Sanger sequencing; in situ hybridization; whole - genome sequencing
    """),
    "measure": phrases("""
        body weight; the survival rate; blood pressure; gene expression; the relapse rate;
        viral load; growth rate; mortality; oxidative stress; cell viability; heart rate
    """),
    "study": phrases("""
        the present study; a retrospective study; a randomized trial; our previous work;
        a cross - sectional survey; these experiments; two independent cohorts
    """),
    "adj": words("novel potential crucial recent common major rare putative severe typical"),
    "unit": words("weeks days h months"),
    "dose": phrases("mg / kg; mM; microM; ng / ml; mg daily"),
}

OPENERS = phrases("""
    However ,; In this study ,; Interestingly ,; In contrast ,; Moreover ,; Furthermore ,;
    As expected ,; Here we {show} that; Our data {show} that; Taken together ,; In {country} ,;
    At {n} {unit} ,; In the {ord} experiment ,; {author} et al . {show} that; To our knowledge ,;
    Using {method} , we {show} that; Surprisingly ,; Previously ,; In addition ,; RESULTS :;
    CONCLUSION :; BACKGROUND :
""")
TAILS = phrases("""
    ( {fig} ); ( P < 0 . 0{d} ); [ {n} ]; , as reported by {author} et al; {latin};
    ( {author} et al . , {year} ); within {n} {unit}; ( n = {n} ); in {study};
    , as judged by {method}; ( Table {d} ); in {country}; ( {company} , {city} );
    , whereas no change was {found} in controls; ( {pct} vs . {pct} ); after {n} {unit};
    , but the mechanism is unclear; ( see {fig} and Table {d} ); ( data not shown )
""")

"""Word parts that the names of the synthetic corpora are put together from.

Names are compositional on purpose: what a tagger can carry from one corpus to another is how
words are built and which words stand around them, not the names themselves.
"""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """Split a block of words."""
    return tuple(text.split())


def phrases(text: str) -> tuple[str, ...]:
    """Split a block of phrases that are separated by semicolons."""
    return tuple(" ".join(part.split()) for part in text.split(";") if part.strip())


# Organisms. A name is dealt either to the meta-train families or to the target, never to both.
GENUS_STEMS = words("""
    acan aero arth borr brev camp coryn cryo delto entero fus gallo halo klebs lacto listr
    meso morax neom noct ochro paster photo provid rhodo salmo serr shewan sphingo staphyl
    strepto thermo verti vibri xantho yersin zymo plasto trypano leishm crypto tox schist
""")
GENUS_ENDINGS = words("bacter bacillus coccus monas ella myces plasma")
EPITHET_STEMS = words("""
    aqu marin silv mont hirsut rubr aure pall nigr gracil robust virid alb flav cinere purpur
    lute rosace glob sacchar tenu crass longic brevic palustr rivul pusill horrid mirab
    lugdun kovac harv tarand boreal austr orient cavern sabul
""")
EPITHET_ENDINGS = words("ensis icus oides alis osus ii ata")
VIRUS_PLACES = words("""
    Marenga Oduvai Tulare Kessim Bandari Lowick Norham Petrovka Sabanga Quillan Ardeche
    Tamiri Chobe Wexley Ilmen Ravona Duarte Kolombi Senna Ustica Palmar Zambro Fenwick
    Ohara Ituri Macleay Yarrow Cordova Benfica Lisgar
""")
VIRUS_QUALITIES = words("fever encephalitis mosaic pox hepatitis herpes")
ANIMAL_ADJECTIVES = phrases("brown; spotted; lesser; marsh; white - tailed; alpine; desert")
# singular plural
TARGET_ANIMALS = words("""
    vole:voles shrew:shrews finch:finches salmon:salmon bat:bats lizard:lizards toad:toads
    macaque:macaques boar:boars gull:gulls carp:carp marmot:marmots
""")
TARGET_COMMON = words("""
    mouse:mice rat:rats human:humans cat:cats dog:dogs chicken:chickens zebrafish:zebrafish
    pig:pigs horse:horses
""")
TARGET_PLANTS = phrases("""
    rice; yeast; maize; wheat; soybean; rapeseed; sweet potato; winter rye; sugar beet
""")
META_ANIMALS = words("""
    squirrel:squirrels newt:newts trout:trout gecko:geckos otter:otters duck:ducks hare:hares
    badger:badgers perch:perch swallow:swallows gerbil:gerbils lynx:lynxes
""")
META_COMMON = words("""
    rabbit:rabbits turkey:turkeys hamster:hamsters sheep:sheep goat:goats calf:calves
    ferret:ferrets baboon:baboons frog:frogs
""")
META_PLANTS = phrases("""
    tobacco; barley; tomato; potato; cotton; spinach; wild mustard; broad bean; red clover
""")

# Chemicals.
DRUG_STEMS = words("""
    abir acit adalo alfen bena bosu cabe cefta cori darif dolu elva ezeti fama flur gati
    halo idel imi keto lapa lami levo mero nilo oxa pali quina rami riva sita sora tela
    tico tolva vemu vora zani zolmi
""")
DRUG_ENDINGS = words("mab statin pril azole mycin cillin sartan olol amide oxacin")
RADICALS = words("methyl ethyl chloro fluoro hydroxy nitro amino acetyl butyl phenyl bromo oxo")
PARENTS = words("""
    benzamide pyridine quinoline adenosine indole phenol uracil guanidine furan thiazole
    xanthine naphthalene glucoside cyclohexane
""")
CATIONS = words("sodium potassium calcium magnesium zinc ammonium lithium cadmium barium cobalt")
ANIONS = words("chloride sulfate nitrate acetate citrate fluoride arsenite phosphate selenite")
COMMON_CHEMICALS = words("""
    lead gold iron ethanol glucose dopamine cocaine oxygen cholesterol copper morphine caffeine
    arginine mercury
""")

# Diseases.
SURNAMES = words("""
    Kuroda Velasco Lindqvist Marchetti Oduya Brennan Castellan Hargreaves Nakagawa Petrov
    Silberman Wernick Zeller Abbott Dumont Ferrante Gagnon Holloway Ivanov Jarvis Keller
    Lombard Moreau Novak Ortega Pemberton Quist Rastogi Sandoval Tanaka Ulrich Vance
""")
DISEASE_ADJECTIVES = phrases("""
    acute; chronic; juvenile; hereditary; idiopathic; congenital; autoimmune; metastatic;
    familial; refractory; severe combined; early - onset; nonalcoholic; recurrent
""")
ORGAN_ADJECTIVES = words("""
    hepatic renal pulmonary gastric ovarian cardiac retinal cerebral colorectal pancreatic
    thyroid prostatic cutaneous bronchial vesical spinal adrenal
""")
DISEASE_HEADS = words("""
    carcinoma fibrosis stenosis failure dystrophy ischemia insufficiency adenoma neuropathy
    atrophy lymphoma sarcoma infarction dysplasia thrombosis
""")
DISEASE_STEMS = words("""
    nephr hepat arthr gastr dermat encephal myocard pancreat col bronch neur oste angi my
    vascul chondr kerat lip thym aden
""")
DISEASE_ENDINGS = words("itis osis oma opathy algia omalacia osclerosis")
LATIN_DISEASES = phrases("""
    lichen planus; acne vulgaris; pityriasis rosea; erythema nodosum; tinea capitis;
    molluscum contagiosum; diabetes mellitus; myasthenia gravis; lupus erythematosus
""")
COMMON_DISEASES = words("""
    stroke depression shock cold asthma hypertension anemia sepsis pain fever seizures cancer
    tremor toxicity
""")

# Genes, proteins and enzymes.
GENE_ADJECTIVES = phrases("""
    transforming growth; heat shock; tumor necrosis; zinc finger; cell adhesion; nuclear;
    fibroblast growth; mitogen - activated; DNA repair; death domain; calcium binding;
    leucine rich; cyclin - dependent; guanine exchange; vesicle transport; RNA binding
""")
GENE_HEADS = words("factor protein receptor kinase ligand antigen inhibitor subunit channel")
GREEK = words("alpha beta gamma delta kappa epsilon")
COMMON_GENES = words("""
    hedgehog clock white notch insulin albumin interferon ubiquitin actin tubulin collagen
    thrombin
""")
SUBSTRATES = words("""
    lactate pyruvate succinate glutamate alcohol aldehyde malate citrate xylose tyrosine
    adenylate glycerol phosphatidate thymidine glutathione sorbitol ornithine serine
""")
ENZYME_HEADS = words("""
    dehydrogenase kinase synthase reductase phosphatase oxidase transferase decarboxylase
    isomerase hydrolase carboxylase mutase peroxidase
""")
ENZYME_STEMS = words("""
    amyl cellul lip prote ure catal xylan chitin elast nucle pectin invert lacc phyt hexokin
    telomer helic integr
""")

# Cells and anatomy.
CELL_STEMS = words("""
    hepat oste chondr ker aden fibr neur lymph my astr mon erythr melan podo troph odont
    granul thym splen angi
""")
CELL_ENDINGS = words("ocytes oblasts oclasts oid_cells ocytic_cells")
CELL_ADJECTIVES = phrases("""
    endothelial; epithelial; mesenchymal stem; dendritic; natural killer; smooth muscle;
    ganglion; Purkinje; islet; Schwann; mast; plasma; goblet; hair; granule
""")
COMMON_CELLS = phrases("""
    macrophages; neurons; platelets; HeLa cells; B cells; T cells; CD4 + T cells; monocytes;
    stem cells; sperm
""")
ANATOMY_ADJECTIVES = words("""
    dorsal ventral lateral medial anterior posterior left right superior inferior distal
    proximal caudal rostral
""")
ANATOMY_HEADS = words("""
    ventricle gyrus tubule atrium cortex horn lobe ganglion nucleus ligament epithelium duct
    artery nerve gland plexus sinus septum
""")
LATIN_ANATOMY = phrases("""
    vena cava; corpus callosum; substantia nigra; fascia lata; musculus soleus; linea alba;
    locus coeruleus; chorda tympani; lamina propria; dura mater
""")
COMMON_ANATOMY = words("""
    arm back heart eye liver kidney lung brain marrow spleen blood skin colon hippocampus
    serum urine
""")

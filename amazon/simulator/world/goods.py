"""What the sellers of the demo sell. Every product is made up."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """One listing: the seller's SKU, the ASIN, title and unit price in the marketplace's currency."""

    sku: str
    asin: str
    title: str
    price: str


LAKESIDE = (
    Product("LKO-TENT-2P", "B0LKTENT2P", "Lakeside Drift 2-Person Tent, 3 Season, Sage", "139.00"),
    Product("LKO-LANT-300", "B0LKLANT30", "Rechargeable Camp Lantern, 300 Lumen, Warm White", "24.95"),
    Product("LKO-MUG-12", "B0LKMUG012", "Enamel Camp Mug, 12 oz, Set of 2", "18.50"),
    Product("LKO-STOVE-T", "B0LKSTOVET", "Folding Titanium Wood Stove with Pouch", "54.00"),
    Product("LKO-HAMM-DB", "B0LKHAMMDB", "Double Hammock with Tree Straps, Lake Blue", "39.90"),
    Product("LKO-DRYB-20", "B0LKDRYB20", "Roll-Top Dry Bag, 20 L, Signal Orange", "21.99"),
    Product("LKO-PADL-K", "B0LKPADLEK", "Kayak Paddle, Two Piece, 230 cm", "64.50"),
    Product("LKO-KNIFE-F", "B0LKKNIFEF", "Folding Utensil Set, Stainless, with Case", "16.75"),
    Product("LKO-BLNKT-W", "B0LKBLNKTW", "Wool Blend Camp Blanket, Pine Stripe", "58.00"),
    Product("LKO-BTTL-1L", "B0LKBTTL1L", "Insulated Bottle, 1 L, Matte Slate", "32.00"),
    Product("LKO-MAP-BWCA", "B0LKMAPBWC", "Waterproof Canoe Route Map, North Lakes", "14.95"),
    Product("LKO-COOL-25", "B0LKCOOL25", "Soft Cooler, 25 Can, Leakproof", "72.00"),
    Product("LKO-HEAD-L2", "B0LKHEADL2", "Headlamp, 2 Modes, USB-C, 180 Lumen", "27.40"),
    Product("LKO-ROPE-30", "B0LKROPE30", "Reflective Guy Line, 30 m, 4 Tensioners", "11.25"),
    Product("LKO-CHAIR-C", "B0LKCHAIRC", "Compact Camp Chair, 1.1 kg", "49.00"),
)

HARBOUR = (
    Product("HLP-NOTE-A5", "B0HLNOTEA5", "Harbour Lane Dotted Notebook, A5, 192 Pages", "16.90"),
    Product("HLP-INK-BL", "B0HLINKBLU", "Fountain Pen Ink, Tide Blue, 50 ml", "12.40"),
    Product("HLP-PEN-BR", "B0HLPENBRS", "Brass Pocket Pen with Clip", "34.00"),
    Product("HLP-ENV-50", "B0HLENVL50", "Laid Envelopes, Cream, 50 Pieces", "14.25"),
    Product("HLP-STMP-3", "B0HLSTAMP3", "Wax Seal Set, Anchor, 3 Colours", "22.80"),
)

BOTTEGA_IT = (
    Product("BC-MOKA-3", "B0BCMOKA3T", "Moka Bottega Chiaro 3 tazze, alluminio satinato", "29.90"),
    Product("BC-TAGL-N", "B0BCTAGLNO", "Tagliere in noce massello con maniglia, 40 cm", "44.00"),
    Product("BC-CER-AZ", "B0BCCERAZZ", "Set 4 ciotole in ceramica dipinte a mano, azzurro", "52.50"),
    Product("BC-LINO-2", "B0BCLINO2C", "Strofinacci in puro lino, 2 pezzi, color sabbia", "19.80"),
    Product("BC-OLIO-B", "B0BCOLIOBT", "Oliera in vetro soffiato con beccuccio salvagoccia", "24.90"),
    Product("BC-PAST-R", "B0BCPASTRU", "Rotella tagliapasta in ottone, manico in faggio", "17.40"),
    Product("BC-PEPE-M", "B0BCPEPEMC", "Macinapepe in ulivo, macina in ceramica", "38.00"),
    Product("BC-CAND-3", "B0BCCAND3S", "Tre candele di cera d'api, profumo di fico", "22.00"),
    Product("BC-TAZZ-6", "B0BCTAZZ6E", "Sei tazzine da espresso con piattino, bianco latte", "41.00"),
    Product("BC-GREM-L", "B0BCGREMLI", "Grembiule in lino lavato, tasca frontale, verde salvia", "34.50"),
    Product("BC-VASO-T", "B0BCVASOTR", "Vaso in terracotta invecchiata, 25 cm", "36.00"),
    Product("BC-GRAT-F", "B0BCGRATFM", "Grattugia per formaggio con cassetto in rovere", "27.90"),
)

BOTTEGA_DE = (
    Product("BC-MOKA-3", "B0BCMOKA3T", "Bottega Chiaro Espressokocher für 3 Tassen, Aluminium matt", "31.90"),
    Product("BC-TAGL-N", "B0BCTAGLNO", "Schneidebrett aus massivem Nussbaum mit Griff, 40 cm", "46.00"),
    Product("BC-CER-AZ", "B0BCCERAZZ", "4 Keramikschalen, von Hand bemalt, Azurblau", "54.90"),
    Product("BC-LINO-2", "B0BCLINO2C", "Geschirrtücher aus reinem Leinen, 2 Stück, Sand", "21.50"),
    Product("BC-PEPE-M", "B0BCPEPEMC", "Pfeffermühle aus Olivenholz mit Keramikmahlwerk", "39.90"),
    Product("BC-TAZZ-6", "B0BCTAZZ6E", "Sechs Espressotassen mit Untertasse, Milchweiß", "43.00"),
    Product("BC-GREM-L", "B0BCGREMLI", "Schürze aus gewaschenem Leinen, Salbeigrün", "36.50"),
)

PENNINE = (
    Product("PP-OATC-12", "B0PPOATC12", "Pennine Pantry Oatcakes, Rough Milled, 12 x 200 g", "21.60"),
    Product("PP-CHUT-3", "B0PPCHUT3J", "Chutney Trio: Plum, Beetroot, Green Tomato, 3 Jars", "14.95"),
    Product("PP-TEA-80", "B0PPTEA80B", "Moorland Breakfast Tea, 80 Bags, Plastic Free", "6.80"),
    Product("PP-HONY-H", "B0PPHONYHE", "Heather Honey, Set, 454 g", "12.40"),
    Product("PP-MUST-W", "B0PPMUSTWG", "Wholegrain Mustard with Ale, 2 x 190 g", "8.90"),
    Product("PP-PARK-6", "B0PPPARK6C", "Yorkshire Parkin, 6 Slices in a Tin", "16.50"),
    Product("PP-MARM-S", "B0PPMARMSV", "Seville Marmalade, Thick Cut, 2 x 340 g", "9.75"),
    Product("PP-HAMP-M", "B0PPHAMPMD", "Walker's Hamper, Medium, with Willow Basket", "58.00"),
    Product("PP-SALT-S", "B0PPSALTSM", "Oak Smoked Sea Salt Flakes, 250 g", "7.20"),
    Product("PP-FUDG-B", "B0PPFUDGBX", "Butter Fudge, Gift Box, 400 g", "11.00"),
    Product("PP-PORR-C", "B0PPPORRCR", "Creamy Porridge Oats, Stoneground, 3 kg", "10.50"),
    Product("PP-CORD-E", "B0PPCORDEL", "Elderflower Cordial, 2 x 500 ml", "13.20"),
    Product("PP-SHRT-T", "B0PPSHRTTN", "All Butter Shortbread in a Keepsake Tin", "9.95"),
)

CORAL = (
    Product("CT-CAP-S", "B0CTCAPSIL", "Coral Tide Silicone Swim Cap, Matt", "11.90"),
    Product("CT-GOG-J", "B0CTGOGJUN", "Swim Goggles for Children, Anti-Fog, Turquoise", "17.50"),
    Product("CT-TOW-L", "B0CTTOWLRG", "Quick Drying Towel, 180 x 90 cm, Reef", "29.00"),
    Product("CT-FIN-M", "B0CTFINMED", "Short Training Fins, Size M", "34.95"),
)

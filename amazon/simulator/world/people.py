"""Names for the demo's buyers, by language. Made up; any likeness is chance."""

FIRST = {
    "en-US": "Ava Blake Carmen Dana Elliot Faye Gavin Harper Imani Jonah "
    "Kayla Leo Maya Noel Opal Quinn Rosa Sage Theo Una",
    "en-GB": "Alfie Beth Callum Daisy Ewan Freya George Hattie Isla Jack "
    "Kit Lottie Megan Nia Oscar Poppy Rhys Sian Toby Wren",
    "it-IT": "Alba Bruno Chiara Dario Elisa Fabio Giada Ivano Lara Marco "
    "Nadia Oreste Paola Renzo Sara Tito Viola Ennio Irma Livia",
    "de-DE": "Anke Bernd Clara Dirk Elke Florian Greta Hannes Ida Jens "
    "Karla Lars Mira Nils Ole Petra Ralf Silke Timo Ute",
    "en-AU": "Bindi Cooper Darcy Eliza Finn Harriet Jarrah Kiah Lachlan Matilda Nate Olive Piper Tane Willa Zac",
}
LAST = {
    "en-US": "Alder Brook Canyon Dale Easton Frost Granger Holloway "
    "Ives Juniper Keene Lakes Marlow Norwood Oakes Prairie",
    "en-GB": "Ashdown Beck Clough Dene Eaves Fell Garth Heaton Ingle Kirk Linley Moor Nettle Otley Pike Ramsden",
    "it-IT": "Alberti Borghi Campi Dossi Errani Fiume Grandi Isola Lago Monti Nespoli Olmi Pini Rovere Selva Torri",
    "de-DE": "Ahorn Birkner Dorfner Eichler Feldner Grubmann Haselbach Imhof "
    "Kiefer Lindner Moos Nussbaum Ostermoor Rain Seemann Tannert",
    "en-AU": "Acacia Barrow Coogee Daintree Fraser Gibson Hume Kimber Lorne Mallee Noosa Otway Torrens Yarra",
}


def first_names(locale: str) -> list[str]:
    """First names of a language."""
    return FIRST[locale].split()


def last_names(locale: str) -> list[str]:
    """Last names of a language."""
    return LAST[locale].split()

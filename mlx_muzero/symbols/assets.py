"""The known assets: national currencies, precious metals, and coins.

The currencies are the ISO 4217 codes in circulation, plus the offshore yuan that dealers quote.
There is no register of coins: listed are those in which others are priced, and those priced in
national currencies so often that their code means no other asset.
"""


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


METALS = _codes("XAU XAG XPT XPD")
"""Gold, silver, platinum and palladium, per troy ounce."""

CURRENCIES = _codes("""
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP
    BYN BZD CAD CDF CHF CLP CNH CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP
    GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES
    KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR
    MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB
    RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD
    TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
""")
"""Codes of national currencies."""

FX_CODES = CURRENCIES | METALS
"""Assets traded against each other during the FX week."""

COIN_QUOTES = _codes("""
    AEUR BNB BTC BUSD DAI ETH EURC EURI FDUSD PYUSD TRX TUSD USD1 USDC USDE USDP USDT XBT
""")
"""Coins in which other coins are priced."""

COINS = COIN_QUOTES | _codes("""
    1INCH AAVE ADA ALGO APE APT AR ARB ATOM AVAX AXS BAT BCH BONK BSV CAKE CHZ COMP CRO CRV DASH
    DOGE DOT DYDX EGLD ENA ENS EOS ETC ETHFI FET FIL FLOKI FLOW FTM GALA GRT HBAR HYPE ICP IMX
    INJ IOTA JASMY JTO JUP KAS KSM LDO LINK LRC LTC LUNA LUNC MANA MATIC MINA MKR NEAR NEO NEXO
    OKB ONDO OP ORDI PEPE POL PYTH QNT RENDER RNDR RPL RUNE SAND SEI SHIB SNX SOL STRK STX SUI
    SUSHI TAO THETA TIA TON TRUMP UNI USTC VET WAVES WBTC WIF WLD WOO XDG XEC XEM XLM XMR XRP
    XTZ YFI ZEC ZIL ZRX
""")
"""Codes of coins."""

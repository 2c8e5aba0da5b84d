"""The fixed words of papers, in Kazakh and Russian: papers are bilingual documents and do not change with the screen's language.

All words live here and none in the ``.typ`` files, which only place what they get. A date, sum or name never takes an
ending: it stands alone after a dash or a colon. Parameters are ``%(name)s``.
"""

from common.errors import N_, Corrupt
from common.papers.parts import Both
from common.papers.words import NBSP, date_time_short, date_time_words, date_words, day_month

WORDS: dict[str, Both] = {
    # what several papers say
    "iin": Both("ЖСН", "ИИН"),
    "bin": Both("БСН", "БИН"),
    "phone": Both("Телефон", "Телефон"),
    "email": Both("Эл. пошта", "Эл. почта"),
    "nonresident": Both("Қазақстан Республикасының резиденті емес", "Нерезидент Республики Казахстан"),
    "talon_no": Both("Талон № %(number)s", "Талон № %(number)s"),
    "page_of": Both("%(n)s-бет, барлығы %(all)s", "стр. %(n)s из %(all)s"),
    "claim_sum": Both("Талап сомасы", "Сумма иска"),
    "duty": Both("Мемлекеттік баж", "Государственная пошлина"),
    "court": Both("Сот", "Суд"),
    "sha256": Both("SHA-256", "SHA-256"),
    "and_more": Both("тағы %(count)s", "ещё %(count)s"),
    "pay.paid": Both("төлем расталды", "оплата подтверждена"),
    "pay.attached": Both("түбіртек тіркелген, төлем әлі тексерілмеген", "квитанция приложена, оплата ещё не проверена"),
    "pay.pending": Both("әлі төленбеген, төлем шоты берілді", "ещё не оплачена, счёт на оплату выдан"),
    "pay.exempt": Both("баж төленбейді", "пошлина не уплачивается"),
    "pay.none": Both("баж алынбайды", "пошлина не взимается"),
    # roles of the parties
    "role.plaintiff": Both("Талап қоюшы", "Истец"),
    "role.defendant": Both("Жауапкер", "Ответчик"),
    "role.third_party": Both("Үшінші тұлға", "Третье лицо"),
    "role.applicant": Both("Арыз беруші", "Заявитель"),
    "role.interested": Both("Мүдделі тұлға", "Заинтересованное лицо"),
    "role.representative": Both("Өкіл", "Представитель"),
    # the statement
    "statement.claim": Both("Талап арыз", "Исковое заявление"),
    "statement.special": Both("Арыз", "Заявление"),
    "statement.special_note": Both("ерекше өндіріс", "особое производство"),
    "statement.to": Both("Кімге", "Кому"),
    "statement.represented": Both("Өкілі", "Представитель"),
    "statement.ask": Both("Сұраймын:", "Прошу:"),
    "statement.attached": Both("Қоса тіркелген құжаттар", "Приложения"),
    "statement.no_attachments": Both("Қоса тіркелген құжат жоқ.", "Приложений нет."),
    "statement.sign": Both("Электрондық цифрлық қолтаңба (ЭЦҚ)", "Электронная цифровая подпись (ЭЦП)"),
    "statement.signer": Both("Қол қоюшы", "Подписывает"),
    "statement.sign_note": Both(
        "Қолтаңба осы файлдың ішінде. Ол осы мәтінді және тізімдегі файлдардың бақылау қосындыларын куәландырады.",
        "Подпись находится внутри этого файла. Она удостоверяет этот текст и контрольные суммы перечисленных файлов.",
    ),
    "statement.witness_for": Both("Кілті жоқ адам үшін", "За человека без ключа"),
    "statement.document": Both("Жеке басын куәландыратын құжат", "Документ, удостоверяющий личность"),
    "statement.witness": Both("Куә", "Свидетель"),
    "statement.witness_note": Both(
        "Адам мәтінді оқып шықты және онымен келісті; оның орнына сот қызметкері қол қояды.",
        "Человек прочитал текст и согласен с ним; вместо него подписывает работник суда.",
    ),
    "document.identity_card": Both("жеке куәлік", "удостоверение личности"),
    "document.passport": Both("паспорт", "паспорт"),
    "document.residence_permit": Both("тұруға ықтиярхат", "вид на жительство"),
    "document.other": Both("басқа құжат", "иной документ"),
    "statement.date": Both("Жасалған күні", "Составлено"),
    # the talon
    "talon.title": Both("Жіберілгені туралы талон", "Талон об отправке"),
    "talon.filer": Both("Жіберуші", "Отправитель"),
    "talon.document": Both("Құжат", "Документ"),
    "talon.court": Both("Сот", "Суд"),
    "talon.court_code": Both("коды %(code)s", "код %(code)s"),
    "talon.case": Both("іс № %(number)s", "дело № %(number)s"),
    "talon.parties": Both("Тараптар", "Стороны"),
    "talon.duty": Both("Мемлекеттік баж", "Пошлина"),
    "talon.claim_sum": Both("талап сомасы %(sum)s", "сумма иска %(sum)s"),
    "talon.signature": Both("Қолтаңба", "Подпись"),
    "talon.line": Both("Байланыс", "Связь"),
    "talon.clock": Both("Сағат", "Часы"),
    "talon.proved": Both("Тізілім дәлелдейді", "Доказано реестром"),
    "talon.deadline": Both("Мерзім", "Срок"),
    "talon.witness": Both("Кілті жоқ адам үшін қол қойған куә", "Свидетель, подписавший за человека без ключа"),
    "slip.witness": Both("кілті жоқ адам үшін куә қол қойған", "за человека без ключа подписал свидетель"),
    "talon.employee": Both("Қабылдаған қызметкер", "Принял сотрудник"),
    "talon.self": Both("өз атынан", "от своего имени"),
    "talon.representative": Both("өкіл", "представитель"),
    "talon.head": Both("ұйымның басшысы", "руководитель организации"),
    "talon.power": Both("сенімхат № %(number)s", "доверенность № %(number)s"),
    "talon.sign_valid": Both("Жарамды", "Действительна"),
    "talon.sign_recheck": Both("Жарамды, байланыс қосылғанда қайта тексеріледі", "Действительна, будет проверена ещё раз при связи"),
    "talon.certificate": Both(
        "%(issuer)s куәлігі %(serial)s, мерзімі %(until)s",
        "Свидетельство %(issuer)s %(serial)s, срок до %(until)s",
    ),
    "talon.crl": Both("қайтарып алу тізімі %(time)s жағдайы бойынша", "список отзыва по состоянию на %(time)s"),
    "talon.crl_none": Both("қайтарып алу тізімі жоқ", "списка отзыва нет"),
    "talon.online": Both("Бар", "Есть"),
    "talon.offline": Both("Жоқ", "Нет"),
    "talon.offline_since": Both("үзілген уақыты %(time)s", "прервана %(time)s"),
    "talon.exchange": Both("соңғы алмасу %(time)s", "последний обмен %(time)s"),
    "talon.exchange_none": Both("алмасу әлі болған жоқ", "обмена ещё не было"),
    "talon.outage": Both("үзіліс анықтамасы № %(number)s", "справка о перерыве № %(number)s"),
    "talon.clock_source": Both("Көзі — %(source)s", "Источник — %(source)s"),
    "talon.clock_set": Both("соңғы түзету %(time)s", "последняя сверка %(time)s"),
    "talon.clock_error": Both("айырмасы %(seconds)s с", "расхождение %(seconds)s с"),
    "talon.clock_unset": Both("байланыспен салыстырылмаған", "по связи не сверялись"),
    "talon.sequence": Both("реттік нөмірі %(number)s", "порядковый номер %(number)s"),
    "talon.proved_after": Both(
        "ерте емес — %(time)s (құрылғы білген тізілім мәлімдемесі, жазба саны — %(count)s)",
        "не раньше — %(time)s (известное устройству заявление реестра, записей — %(count)s)",
    ),
    "talon.proved_no_start": Both(
        "басталуы дәлелденбеген: құрылғы тізіліммен әлі байланыспаған", "начало не доказано: связи с реестром ещё не было"
    ),
    "talon.proved_before": Both("кеш емес — %(time)s, тізілімдегі орны бойынша", "не позже — %(time)s, по месту в реестре"),
    "talon.proved_no_end": Both("соңы тізілімге енгенде белгілі болады", "конец станет известен с записью в реестр"),
    "talon.deadline_claimed": Both("Жіберуші көрсеткен мерзім — %(time)s", "Срок, указанный отправителем, — %(time)s"),
    "talon.deadline_computed": Both("есептелген мерзім — %(time)s", "расчётный срок — %(time)s"),
    "talon.deadline_kept": Both("мерзім ішінде", "в срок"),
    "talon.deadline_missed": Both("мерзім өткен", "срок прошёл"),
    "talon.files": Both("Файлдар", "Файлы"),
    "talon.files_more": Both(
        "Тағы %(count)s файл арызда тізілген. Арыздың бақылау қосындысы оларды да растайды.",
        "Остальные файлы (%(count)s) перечислены в заявлении. Его контрольная сумма подтверждает и их.",
    ),
    "file.title": Both("Атауы, бақылау қосындысы", "Название, контрольная сумма"),
    "file.kind": Both("Түрі", "Тип"),
    "file.pages": Both("Бет", "Стр."),
    "file.size": Both("Көлемі", "Размер"),
    "talon.box_title": Both(
        "Талон — құжаттың жіберілгенін растайды. Ол тіркеу емес.",
        "Талон подтверждает отправку. Это не регистрация.",
    ),
    "talon.box": Both(
        "Тіркеуді немесе тіркеуден бас тартуды сот кеңсесі шешеді, мерзімі — %(decide)s. "
        "Орталық тізілімге енудің шекті уақыты — %(register)s. Енбесе, осы талонмен кеңсеге келіңіз.",
        "Регистрирует документ или отказывает в регистрации канцелярия суда, срок — %(decide)s. "
        "Крайнее время попадания в центральный реестр — %(register)s. Если не попал, приходите в канцелярию с этим талоном.",
    ),
    "talon.check": Both(
        "Талонды тексеру: кез келген соттың киоскісінде «Талонды тексеру», кірусіз.",
        "Проверить талон: в киоске любого суда, «Проверить талон», без входа.",
    ),
    "talon.short_code": Both("Қысқа код", "Короткий код"),
    "talon.signed_by": Both(
        "Талонға сот құрылғысының қолы қойылған; деректері файлдың ішінде (r0.cose).",
        "Талон подписан устройством суда; его данные внутри файла (r0.cose).",
    ),
    "talon.device": Both("Құрылғы", "Устройство"),
    "talon.device_key": Both("кілті", "ключ"),
    "talon.filing_id": Both("Жіберілім", "Отправка"),
    "talon.previous": Both("Алдыңғы талонның хэші", "Хэш предыдущего талона"),
    "talon.software": Both("Бағдарлама", "Программа"),
    "talon.qr": Both("Талонның QR коды", "QR-код талона"),
    # the slip of 80 mm
    "slip.files": Both("%(count)s файл", "файлов: %(count)s"),
    "slip.sign_valid": Both("жарамды", "действительна"),
    "slip.sign_recheck": Both("жарамды, қайта тексеріледі", "действительна, проверят ещё раз"),
    "slip.online": Both("бар", "есть"),
    "slip.offline": Both("жоқ", "нет"),
    "slip.hash": Both("Арыздың хэші", "Хэш заявления"),
    "slip.box_title": Both("Талон тіркеу емес.", "Талон — не регистрация."),
    "slip.box": Both(
        "Кеңсе тіркейді немесе бас тартады, мерзімі — %(decide)s. Тізілімге енудің шекті уақыты — %(register)s. "
        "Енбесе, осы талонмен кеңсеге келіңіз.",
        "Канцелярия зарегистрирует или откажет, срок — %(decide)s. Крайнее время попадания в реестр — %(register)s. "
        "Если не попал, приходите в канцелярию с талоном.",
    ),
    # the invoice
    "invoice.title": Both("Мемлекеттік бажды төлеу шоты", "Счёт на оплату государственной пошлины"),
    "invoice.to_pay": Both("Төленетін сома", "К оплате"),
    "invoice.payer": Both("Төлеуші", "Плательщик"),
    "invoice.court": Both("Сот", "Суд"),
    "invoice.recipient": Both("Алушы", "Получатель"),
    "invoice.account": Both("Шоты (ЖСК)", "Счёт (ИИК)"),
    "invoice.bank": Both("Банк", "Банк"),
    "invoice.bic": Both("Банктік сәйкестендіру коды (БСК)", "БИК"),
    "invoice.kbk": Both("Бюджеттік сыныптама коды (КБК)", "КБК"),
    "invoice.kbe": Both("Бенефициар коды (Кбе)", "Кбе"),
    "invoice.kno": Both("Салық органының коды (КНО)", "КНО"),
    "invoice.knp": Both("Төлем мақсатының коды (ТМК)", "КНП"),
    "invoice.purpose": Both("Төлем мақсаты", "Назначение платежа"),
    "invoice.basis": Both("Есептеу негізі", "Основание расчёта"),
    "invoice.talon": Both("Талон", "Талон"),
    "invoice.due": Both("Төлем мерзімі", "Оплатить до"),
    "invoice.qr": Both("Төлем деректері бар QR код", "QR-код с данными платежа"),
    "invoice.next_title": Both("Төлегеннен кейін.", "После оплаты."),
    "invoice.next": Both(
        "Түбіртекті сақтаңыз. Оны осы талон нөмірімен кез келген соттың киоскісінде немесе кеңседе қоса тіркеуге болады. "
        "Төлем мақсатында талон нөмірін өзгертпей жазыңыз: төлем сол нөмір бойынша табылады.",
        "Сохраните квитанцию. Её можно приложить по номеру талона в киоске любого суда или в канцелярии. "
        "Номер талона в назначении платежа не меняйте: по нему платёж найдут.",
    ),
    "invoice.why": Both(
        "Шот байланыс жоқ кезде берілді: төлем онлайн жасалған жоқ. Арыз талон бойынша жіберілді.",
        "Счёт выдан, пока нет связи: онлайн-оплаты не было. Заявление отправлено по талону.",
    ),
    # the court's notice R3
    "decision.registered": Both("Тіркелгені туралы хабарлама", "Уведомление о регистрации"),
    "decision.refused": Both("Тіркеуден бас тарту туралы хабарлама", "Уведомление об отказе в регистрации"),
    "decision.accepted": Both("Іс жүргізуге қабылданғаны туралы хабарлама", "Уведомление о принятии к производству"),
    "decision.returned": Both("Қайтарылғаны туралы хабарлама", "Уведомление о возвращении"),
    "decision.declined": Both("Қабылдаудан бас тарту туралы хабарлама", "Уведомление об отказе в принятии"),
    "decision.accepted_text": Both(
        "Судья арызды іс жүргізуге қабылдады. Отырыстың уақыты мен орны туралы бөлек хабарланады.",
        "Судья принял заявление к производству. О времени и месте заседания сообщат отдельно.",
    ),
    "decision.returned_text": Both(
        "Судья арызды қайтарды. Төменде барлық негіздер көрсетілген. Түзетуге болатын кемшіліктерді жойғаннан кейін арызды қайта "
        "беруге болады; ұйғарымға заңда белгіленген тәртіппен шағым жасауға болады.",
        "Судья возвратил заявление. Ниже указаны все основания. После устранения недостатков, которые можно исправить, заявление можно "
        "подать снова; определение можно обжаловать в порядке, установленном законом.",
    ),
    "decision.declined_text": Both(
        "Судья арызды қабылдаудан бас тартты. Төменде барлық негіздер көрсетілген. Ұйғарымға заңда белгіленген тәртіппен шағым "
        "жасауға болады.",
        "Судья отказал в принятии заявления. Ниже указаны все основания. Определение можно обжаловать в порядке, установленном законом.",
    ),
    "decision.judge": Both("Судья", "Судья"),
    "decision.grounds": Both("Негіздер", "Основания"),
    "decision.judge_note": Both(
        "Судья ұйғарымның мәтініне өз ЭЦҚ-сымен қол қойды; мәтін мен қолтаңба осы файлдың ішінде.",
        "Судья подписал текст определения своей ЭЦП; текст и подпись находятся внутри этого файла.",
    ),
    "decision.case_number": Both("Істің нөмірі", "Номер дела"),
    "decision.witness": Both("Кілті жоқ адам үшін қол қойған куә", "Свидетель, подписавший за человека без ключа"),
    "decision.applicant": Both("Жіберуші", "Отправитель"),
    "decision.document": Both("Құжат", "Документ"),
    "decision.talon": Both("Талон", "Талон"),
    "decision.received": Both("Жіберілген уақыты", "Время отправки"),
    "decision.decided": Both("Шешілген уақыты", "Время решения"),
    "decision.clerk": Both("Кеңсе қызметкері", "Сотрудник канцелярии"),
    "decision.reasons": Both("Бас тарту себептері", "Причины отказа"),
    "decision.note": Both("Түсіндірме", "Пояснение"),
    "decision.code": Both("коды %(code)s", "код %(code)s"),
    "decision.cure": Both("Түзетуге болады", "Можно исправить"),
    "decision.cure_until": Both("Түзетуге болады, мерзімі — %(date)s", "Можно исправить, срок — %(date)s"),
    "decision.no_cure": Both("Түзетуге келмейді", "Исправить нельзя"),
    "decision.registered_text": Both(
        "Құжатыңыз тіркелді. Іс бойынша хат жазғанда және сотқа келгенде осы нөмірді көрсетіңіз. "
        "Құжатты іс жүргізуге қабылдау туралы судья бөлек шешеді.",
        "Ваш документ зарегистрирован. Указывайте этот номер в письмах по делу и при обращении в суд. "
        "О принятии к производству судья решает отдельно.",
    ),
    "decision.refused_text": Both(
        "Сот кеңсесі құжатты тіркеген жоқ. Барлық себеп төменде көрсетілген. "
        "Түзетілген құжатты жібергенде алғашқы талонның уақыты сақталады: %(received)s.",
        "Канцелярия суда не зарегистрировала документ. Ниже указаны все причины. "
        "При отправке исправленного документа сохраняется время первого талона: %(received)s.",
    ),
    "decision.refused_final_text": Both(
        "Сот кеңсесі құжатты тіркеген жоқ. Барлық себеп төменде көрсетілген.",
        "Канцелярия суда не зарегистрировала документ. Ниже указаны все причины.",
    ),
    "decision.sign_note": Both(
        "Хабарламаға кеңсе қызметкерінің ЭЦҚ арқылы қол қойылады; қолтаңба осы файлдың ішінде.",
        "Уведомление подписывается ЭЦП сотрудника канцелярии; подпись находится внутри этого файла.",
    ),
    "decision.qr": Both("Хабарламаның QR коды", "QR-код уведомления"),
    # the certificate of outages
    "outage.title": Both("Байланыс үзілісі туралы анықтама", "Справка о перерыве связи"),
    "outage.machine": Both("№ %(number)s құрылғы", "устройство № %(number)s"),
    "outage.made": Both("Жасалды", "Составлена"),
    "outage.qr": Both("Анықтаманың QR коды", "QR-код справки"),
    "outage.period": Both("Кезең", "Период"),
    "outage.count": Both("Үзіліс саны", "Число перерывов"),
    "outage.down": Both("Барлығы байланыссыз", "Всего без связи"),
    "outage.began": Both("Басталуы", "Начало"),
    "outage.ended": Both("Аяқталуы", "Конец"),
    "outage.length": Both("Ұзақтығы", "Длительность"),
    "outage.tries": Both("Сәтсіз талпыныс", "Неудачных попыток"),
    "outage.heads": Both("Тізілімдегі жазба", "Записей в реестре"),
    "outage.lasts": Both("жалғасуда", "продолжается"),
    "outage.hours": Both("%(hours)s сағ %(minutes)s мин", "%(hours)s ч %(minutes)s мин"),
    "outage.more": Both("Ең ұзақ %(count)s үзіліс көрсетілген", "Показаны %(count)s самых долгих"),
    "outage.note_title": Both("Бұл анықтама туралы.", "Об этой справке."),
    "outage.note": Both(
        "Құрылғы орталықпен байланыс болмаған уақытты өзі жазып отырды. Уақыт — құрылғының сағаты бойынша; тізілімдегі жазбалар "
        "саны оны тексеруге мүмкіндік береді. Құжаттар байланыссыз да қабылданады. Мерзімді қалпына келтіруді бұл анықтама емес, "
        "сот шешеді.",
        "Устройство само записывало, когда не было связи с центром. Время — по часам устройства; число записей в реестре позволяет "
        "его проверить. Документы принимаются и без связи. О восстановлении срока справка не решает: это решает суд.",
    ),
    "outage.check": Both(
        "QR кодты немесе осы файлды кез келген сот құрылғысында тексеруге болады.",
        "QR-код или этот файл можно проверить на любом устройстве суда.",
    ),
}


def words(key: str, /, **params: object) -> Both:
    """Return the two texts of ``key`` with its parameters filled in; a parameter that is itself ``Both`` gives each side its own.

    Raises Corrupt ``papers.word`` for a key that is not in the table: a mistake of ours, never of a person.
    """
    both = WORDS.get(key)
    if both is None:
        raise Corrupt("papers.word", N_("A paper asks for words that do not exist: %(key)s."), key=key)
    if not params:
        return both
    kk = {name: value.kk if isinstance(value, Both) else value for name, value in params.items()}
    ru = {name: value.ru if isinstance(value, Both) else value for name, value in params.items()}
    return Both(both.kk % kk, both.ru % ru)


def word(key: str, lang: str, /, **params: object) -> str:
    """Return the text of ``key`` in ``lang`` (``"kk"`` or ``"ru"``)."""
    return words(key, **params).of(lang)


def join_words(joint: str, *parts: Both) -> Both:
    """Return the parts that are not empty, joined in each language."""
    return Both(joint.join(part.kk for part in parts if part.kk), joint.join(part.ru for part in parts if part.ru))


def same(text: str) -> Both:
    """Return a name or number that is the same in both languages."""
    return Both(text, text)


def date_both(ms: int) -> Both:
    """Return «2026 жылғы 20 қараша» / «20 ноября 2026 года»."""
    return Both(date_words(ms, "kk"), date_words(ms, "ru"))


def date_time_both(ms: int) -> Both:
    """Return «2026 жылғы 20 қараша, 14:52» / «20 ноября 2026 года, 14:52»."""
    return Both(date_time_words(ms, "kk"), date_time_words(ms, "ru"))


def day_month_both(ms: int) -> Both:
    """Return «20 қараша» / «20 ноября», each on one line."""
    return Both(day_month(ms, "kk").replace(" ", NBSP), day_month(ms, "ru").replace(" ", NBSP))


def when(ms: int) -> str:
    """Return «20.11.2026, 14:52» that no line end parts."""
    return date_time_short(ms).replace(" ", NBSP)


def numbered(key: str, number: str) -> Both:
    """Return «ЖСН 850312 400127» / «ИИН 850312 400127» that no line end parts; empty for an empty number."""
    label = words(key)
    return Both(f"{label.kk}{NBSP}{number}", f"{label.ru}{NBSP}{number}") if number else same("")

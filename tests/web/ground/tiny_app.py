"""A tiny application on the common ground: what the tests of common/web press and look at.

python -m tests.web.tiny 8900 kiosk      # to see it with one's own eyes
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from flask import Blueprint, Flask, jsonify, redirect, render_template, request, session
from flask_babel import gettext, lazy_gettext
from flask_wtf.file import FileField
from waitress import serve
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField, TextAreaField

from common.clock import SystemClock
from common.db import open_database
from common.errors import Refused
from common.web.app import WebConfig, create_app, exempt_from_csrf
from common.web.charts import Sample, Seat, bars, country_map, trend
from common.web.documents import file_answer
from common.web.forms import ChoiceField, CourtForm, DayField, ListField, Required, WholeField
from common.web.frame import Action, Frame, Line, NavItem, Surface
from common.web.limits import accept_bytes
from common.web.pages import render_confirm, render_not_built
from common.web.parts import Rung, Tab, page_of
from common.web.secure import require_private_channel
from common.web.sessions import DatabaseSessions, renew_session

HERE = Path(__file__).parent
NOON_MS = 1_795_168_328_000
"""20 November 2026, 14:52:08 in Kazakhstan."""


@dataclass
class FixedClock:
    """A clock that moves only when told."""

    ms: int = NOON_MS
    boot: bytes = field(default=b"b" * 16)

    def now(self) -> int:
        return self.ms

    def monotonic(self) -> int:
        return self.ms

    def boot_id(self) -> bytes:
        return self.boot


class PartyForm(CourtForm):
    who = ChoiceField(lazy_gettext("Who is it?"), choices=[("p", "Физическое лицо"), ("l", "Юридическое лицо")], default="p")
    role = ListField(lazy_gettext("Role"), choices=[("1", "Ответчик"), ("2", "Третье лицо")])
    iin = StringField("ИИН", [Required("В ИИН должно быть 12 цифр, а введено 11")], description="12 цифр, есть в удостоверении личности")
    family = StringField("Фамилия", [Required("Укажите фамилию, как в удостоверении личности")])
    born = DayField("Дата рождения")
    count = WholeField("Сколько листов")
    claim = TextAreaField("Требование")
    secret = PasswordField("Пароль")


class PaperForm(CourtForm):
    family = StringField("Тегі")
    paper = FileField("Файл")


def tiny_app(
    folder: Path,
    *,
    clock: FixedClock | SystemClock | None = None,
    surface: Surface = "kiosk",
    erased: Callable[[], None] | None = None,
    **config: object,
) -> Flask:
    """Return the application; its database lies in ``folder``."""
    database = open_database(folder / "sessions.db")
    settings = WebConfig(**{"secret": b"s" * 32, "cookie": "tiny", **config})  # type: ignore[arg-type]
    clock = clock or FixedClock()

    def frame() -> Frame:
        return Frame(
            surface=surface,
            house_name="Ақтау қалалық соты",
            house_sub="Сот кабинеті · Маңғыстау облысы",
            now_ms=clock.now(),
            who="Сәрсенова А. М." if "person" in session else "",
            help_text="1-қабат, 104-бөлме",
            draft_code="4715-2096" if "person" in session else "",
            reload_seconds=int(request.args.get("again", 0)),
            nav=(NavItem("/", "Келген құжаттар", True), NavItem("/x", "Істер"), NavItem("/y", "Отырыстар"), NavItem("/z", "Алмасу")),
            line=Line(
                "off",
                "Байланыс жоқ — өтініш қабылданады" if surface != "desk" else "Байланыс жоқ",
                "Арыз осы сотта сақталады, талон бірден беріледі. Орталыққа байланыс қосылғанда өзі жіберіледі.",
                action=Action("/stick", "Флешкамен жіберу", "usb-drive") if surface == "desk" else None,
            ),
        )

    app = create_app(
        "tiny",
        config=settings,
        clock=clock,
        sessions=DatabaseSessions(database),
        frame=frame,
        template_folders=[HERE / "templates"],
        erased=erased,
    )
    app.register_blueprint(_pages(app))
    wire = Blueprint("wire", __name__)
    wire.post("/wire/hello")(lambda: "ok")
    exempt_from_csrf(app, wire)
    app.register_blueprint(wire)
    return app


def _pages(app: Flask) -> Blueprint:
    pages = Blueprint("demo", __name__)

    @pages.get("/")
    def landing() -> str:
        return render_template("demo/landing.html")

    @pages.route("/form", methods=["GET", "POST"])
    def form() -> tuple[str, int] | Response:
        form = PartyForm()
        if form.validate_on_submit():
            with form.refusals():
                if form.iin.data == "000000000000":
                    raise Refused("tiny.iin", "%(digits)d zeros are nobody.", field="iin", digits=12)
                return redirect("/", 303)
        return form.page("demo/form.html")

    @pages.post("/form/save")
    def save() -> Response:
        session["family"] = request.form.get("family", "")
        return jsonify(text=gettext("Saved: %(time)s", time="14:47"))

    @pages.post("/sign-in")
    def sign_in() -> Response:
        require_private_channel()
        renew_session(app)
        session["person"] = "p1"
        return redirect("/", 303)

    @pages.get("/parts")
    def parts() -> str:
        return render_template("demo/parts.html", **_samples())

    @pages.get("/charts")
    def charts() -> str:
        return render_template("demo/charts.html", **_charts())

    @pages.get("/sure")
    def sure() -> str:
        return render_confirm(
            "Алып тастау керек пе?", action="/form", verb="Иә, алып тастау", back="/", happens=["Файл өшеді."], icon="trash"
        )

    @pages.get("/later")
    def later() -> Response:
        return render_not_built("Сенімхат")

    @pages.get("/frameless")
    def frameless() -> str:
        app.extensions["frame"] = lambda: 1 / 0
        raise Refused("tiny.no", "No.")

    @pages.get("/broken")
    def broken() -> str:
        raise RuntimeError("850312400127 Сәрсенова")

    @pages.post("/upload")
    @accept_bytes(5_000_000)
    def upload() -> Response:
        return jsonify(size=len(request.files["paper"].read()))

    @pages.route("/attach", methods=["GET", "POST"])
    @accept_bytes(5_000_000)
    def attach() -> tuple[str, int] | Response:
        form = PaperForm()
        if form.validate_on_submit():
            with form.refusals():
                if not form.paper.data or not form.paper.data.read().startswith(b"%PDF"):
                    raise Refused("tiny.paper", "Choose one of the answers.", field="paper")
                return redirect("/parts", 303)
        return form.page("demo/attach.html")

    @pages.get("/paper")
    def paper() -> Response:
        return file_answer(b"%PDF-1.7", name="Қарыз шарты.pdf", kind="application/pdf", inline=True)

    return pages


def _samples() -> dict[str, object]:
    return {
        "rungs": [
            Rung("done", "Жіберілді, талон берілді", "Бүгін, 14:52. Арыз бен 4 файл осы сотта сақтаулы."),
            Rung("now", "Орталық тізілімге енеді", "Байланыс қосылғанда."),
            Rung("ahead", "Барлық файл жетеді"),
            Rung("bad", "Тіркеуден бас тартылды", link=Action("/x", "ұйғарымды оқу")),
        ],
        "tab_items": [Tab("/", "Жіберілген", True, 3), Tab("/w", "Мерзімі бүгін", count=1, bad=True), Tab("/d", "Тіркелген")],
        "page": page_of(120, 50, 2, "/parts", {"q": "а"}),
        "sent_ms": NOON_MS - 3_600_000,
    }


def _charts() -> dict[str, object]:
    words = {"ok": "байланыста", "late": "кешігуде", "off": "байланыс жоқ"}
    seats = [
        Seat("Астана", 51.13, 71.43, 14, "ok", words["ok"]),
        Seat("Ақтау", 43.65, 51.17, 9, "off", words["off"]),
        Seat("Жезқазған", 47.8, 67.7, 5, "late", words["late"]),
        Seat("Алматы", 43.25, 76.92, 19, "ok", words["ok"], "middle"),
    ]
    return {
        "backlog": bars("Кезек", [("Семей қалалық соты", 41, "late"), ("Ақтау", 14, "off"), ("Астана", 7, "ok")], heads=("Торап", "Жазба")),
        "lag": trend(
            "Кідіріс",
            [Sample(f"{h}:00", 2 + h % 3, 5 + h % 7) for h in range(24)],
            heads=("Сағат", "Медиана", "95 %"), goal=15, goal_label="мақсат: 15 минут",
        ),
        "country": country_map("Қазақстан картасы", seats, heads=("Облыс", "Торап", "Күйі")),
    }  # fmt: skip


if __name__ == "__main__":
    port, surface = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "kiosk"
    folder = Path("/tmp/tiny")
    folder.mkdir(exist_ok=True)
    serve(tiny_app(folder, surface=surface), host="127.0.0.1", port=int(port), threads=4)  # type: ignore[arg-type]

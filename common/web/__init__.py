"""What both Flask applications share: the frame, safety, languages, forms. A page module looks like this:

    # edge/web/letters.py
    def make_pages(services: Services) -> Blueprint:
        pages = Blueprint("letters", __name__, url_prefix="/letters")

        @pages.route("/new", methods=["GET", "POST"])
        def write() -> tuple[str, int] | Response:
            form = LetterForm()
            if form.validate_on_submit():
                with form.refusals():                      # a Refused lands at the field it names
                    number = services.letters.send(form.subject.data, form.text.data)
                    return redirect(url_for("letters.show", number=number), 303)
            return form.page("edge/letters/write.html", courts=services.letters.courts())

        return pages

    class LetterForm(CourtForm):
        subject = StringField(lazy_gettext("Subject"), [Required(lazy_gettext("Say what the letter is about."))])
        text = TextAreaField(lazy_gettext("Text"), [Required(lazy_gettext("Write the letter."))])

    {# templates/edge/letters/write.html #}
    {% extends "shared/frame.html" %}
    {% from "shared/parts.html" import back, error_summary, field, post_form, saved %}
    {% block title %}{{ _("A letter to the court") }}{% endblock %}
    {% block back %}{{ back(url_for("letters.list")) }}{% endblock %}
    {% block content %}
    {{ error_summary(form) }}
    <h1>{{ _("A letter to the court") }}</h1>
    {% call post_form(class="sheet", autosave=url_for("letters.save")) %}
    {{ field(form.subject, width="w-half") }}
    {{ field(form.text, rows=8) }}
    {{ saved(_("Saved: %(time)s", time=saved_ms|time), autosave=true) }}
    <div class="go"><button class="btn btn-primary btn-lg" type="submit">{{ icon("send") }}{{ _("Send") }}</button></div>
    {% endcall %}
    {% endblock %}

Choices: ``ChoiceField`` (up to six, in sight), ``ListField`` (a list that opens), ``ChecksField``; dates: ``DayField``; whole
numbers: ``WholeField`` (all in ``common.web.forms``: WTForms' own sentences have no Kazakh). Try a page with
``python -m tests.web.ground.tiny_app``.

Rules: a view parses a form, calls one use case, renders one template; what a template shows arrives ready; every POST
form is a ``post_form`` (it carries the CSRF token); after a change comes a redirect with 303; no ``style=``, no inline script.
"""

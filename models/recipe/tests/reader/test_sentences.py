import unittest

from recipe.reader.doc_parts import read_doc
from recipe.reader.examples import supported
from recipe.reader.sentences import first_sentence, split_sentences, statement, third_person


class TestSentences(unittest.TestCase):
    def test_the_first_sentence_ends_at_its_mark_and_before_tags(self):
        self.assertEqual(first_sentence("Return the size, e.g. 3.\nMore.\n\n:param x: y"), "Return the size, e.g. 3.")
        self.assertEqual(first_sentence("Parses the {@link Config} text\n@param a b"), "Parses the `Config` text")
        self.assertIsNone(first_sentence("TODO: write this down later"))
        self.assertIsNone(first_sentence("See https://example.org for more"))

    def test_sentences_keep_abbreviations_and_code(self):
        self.assertEqual(split_sentences("Use a.b. Then i.e. this. End"), ["Use a.b.", "Then i.e. this.", "End"])

    def test_orders_become_statements(self):
        self.assertEqual(statement("Return the size.", "size"), "`size` returns the size.")
        self.assertEqual(statement("Applies a patch", "x.apply"), "`apply` applies a patch.")
        self.assertEqual(statement("Open opens the file.", "Open"), "`Open` opens the file.")
        self.assertIsNone(statement("The size of a thing.", "size"))

    def test_third_person(self):
        self.assertEqual(
            [third_person(v) for v in ("do", "push", "copy", "play", "get")],
            ["does", "pushes", "copies", "plays", "gets"],
        )


class TestDocParts(unittest.TestCase):
    def test_tags_fields_and_sections(self):
        java = read_doc(
            "Reads.\n@param text the text to read,\n   may be empty\n@return the number of words\n@throws IoError if it is closed"
        )
        self.assertEqual(java.params, {"text": "the text to read, may be empty"})
        self.assertEqual(java.returns, "the number of words")
        self.assertEqual(java.raises, {"IoError": "if it is closed"})
        script = read_doc("@param {string} [name=x] - the name of it\n@returns {number} how many there are")
        self.assertEqual((script.params, script.returns), ({"name": "the name of it"}, "how many there are"))
        sphinx = read_doc(":param int size: the size to take\n:raises ValueError: if size is negative")
        self.assertEqual(
            (sphinx.params, sphinx.raises), ({"size": "the size to take"}, {"ValueError": "if size is negative"})
        )
        google = read_doc("Args:\n    size (int): The size to take.\n\nReturns:\n    The bytes that were read.")
        self.assertEqual((google.params, google.returns), ({"size": "The size to take"}, "The bytes that were read"))

    def test_a_raise_without_a_condition_is_left_out(self):
        self.assertEqual(read_doc("@throws IoError the usual error type").raises, {})


class TestSupport(unittest.TestCase):
    def test_names_and_words_must_stand_in_the_evidence(self):
        evidence = "a.py lines 1-2\ndef size(text):\n    # counts the words of a text"
        self.assertTrue(supported("`size` counts the words.", evidence))
        self.assertFalse(supported("`length` counts the words.", evidence))
        self.assertFalse(supported("`size` removes duplicate entries.", evidence))


if __name__ == "__main__":
    unittest.main()

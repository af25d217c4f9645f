"""Changing what passes through an encoder: at the words, after layers, in one thread, and never otherwise."""

import copy
import threading

import pytest
import torch

from loregraft.encoder.hooks import Changes, Hooks, layers_of

IDS = torch.tensor([[2, 7, 8, 9, 10, 3]])


@torch.inference_mode()
def run(model):
    return model(input_ids=IDS).last_hidden_state


def test_nothing_is_changed_outside(hosted):
    model, _ = hosted
    before = run(model)
    hooks = Hooks(model)
    assert torch.equal(run(model), before)
    noise = torch.randn(IDS.shape[1], hooks.words)
    with hooks.during(Changes(words=lambda words: words + noise)):
        assert not torch.allclose(run(model), before, atol=1e-4)
    assert torch.equal(run(model), before)


def test_words_have_the_width_of_the_table_and_layers_that_of_hidden_states(hosted):
    """Also for ALBERT, whose layers share their weights."""
    model, _ = hosted
    hooks, seen = Hooks(model), {}

    def watch(name):
        def change(states):
            seen[name] = tuple(states.shape)
            return states

        return change

    with hooks.during(Changes(watch("words"), {layer: watch(layer) for layer in range(hooks.layers)})):
        run(model)
    assert hooks.layers == model.config.num_hidden_layers == 2
    shape = (1, IDS.shape[1])
    assert seen == {"words": (*shape, hooks.words), 0: (*shape, hooks.hidden), 1: (*shape, hooks.hidden)}


def test_only_the_layer_that_is_meant_is_changed(hosted):
    model, _ = hosted
    hooks = Hooks(model)
    torch.manual_seed(0)
    noise = torch.randn(1, IDS.shape[1], hooks.hidden)
    outputs = []
    for layer in range(hooks.layers):
        with hooks.during(Changes(after={layer: lambda states: states + noise})):
            outputs.append(run(model))
    assert not torch.allclose(outputs[0], outputs[1], atol=1e-4)


def test_a_layer_that_is_not_there_is_refused(tiny_encoder):
    hooks = Hooks(tiny_encoder.model)
    with (
        pytest.raises(ValueError, match="layers 0 to 1, not 2"),
        hooks.during(Changes(after={2: lambda states: states})),
    ):
        pass


def test_gradient_checkpointing_is_refused_in_training(tiny_encoder):
    model = tiny_encoder.model
    model.activation_checkpointing_enable()
    hooks = Hooks(model)
    model.train()
    with pytest.raises(ValueError, match="checkpointing"), hooks.during(Changes()):
        pass
    model.eval()
    with hooks.during(Changes()):
        run(model)


def test_another_thread_is_not_changed(tiny_encoder):
    model = tiny_encoder.model
    hooks, before, inside = Hooks(model), run(model), []
    with hooks.during(Changes(words=lambda words: words + 1)):
        thread = threading.Thread(target=lambda: inside.append(run(model)))
        thread.start()
        thread.join()
    assert torch.equal(inside[0], before)


def test_a_copy_has_hooks_of_its_own(tiny_encoder):
    model = tiny_encoder.model
    hooks = Hooks(model)
    both = torch.nn.ModuleList([model])
    both.hooks = hooks
    copied = copy.deepcopy(both)
    before = run(model)
    with copied.hooks.during(Changes(words=lambda words: words * 3)):
        assert not torch.allclose(run(copied[0]), before, atol=1e-4)
        assert torch.equal(run(model), before)


def test_an_error_inside_leaves_nothing_behind(tiny_encoder):
    model = tiny_encoder.model
    hooks, before = Hooks(model), run(model)
    with pytest.raises(ZeroDivisionError), hooks.during(Changes(words=lambda words: words / 0 * (1 // 0))):
        run(model)
    assert torch.equal(run(model), before)
    hooks.remove()
    assert not any(module._forward_hooks for module in model.modules())


def test_layers_are_the_longest_list_of_one_class():
    layer, other = torch.nn.Linear(1, 1), torch.nn.ReLU()
    model = torch.nn.ModuleDict(
        {
            "mixed": torch.nn.ModuleList([layer, other, layer, other]),
            "layers": torch.nn.ModuleList([torch.nn.Linear(1, 1) for _ in range(3)]),
            "short": torch.nn.ModuleList([other]),
        }
    )
    assert layers_of(model) == list(model["layers"])
    with pytest.raises(ValueError, match="no layers"):
        layers_of(torch.nn.Linear(1, 1))

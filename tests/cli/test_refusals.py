"""What makes no sense is refused by every command, in one line that says what was wrong, and nothing is left of it."""

import io
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_telegram import TOKEN
from PIL import Image

from impasto.bot.config import VARIABLE
from impasto.methods.adain.foreign import Layout
from impasto.methods.cyclegan.network import Generator, GeneratorConfig
from impasto.translation import DIRECTIONS, save_generators

NEEDS = {"batch": "pyarrow", "survey serve": "fastapi"}
"""What comes with an extra, without which these are refused for another reason."""

LONG = f"{'a' * 300}.png"
"""What no file can be called."""

REFUSED = {
    "": [
        (2, "stylise", 'Did you mean "stylize"?'),
        (2, "stylize photo.png --stlye x", "Did you mean --style?"),
        (2, "weights fetc", 'Did you mean "fetch"?'),
        (2, "stylize photo.png -o", "requires an argument"),
        (2, "stylize photo.png", "--style is missing"),
        (1, "stylize photo.png -s stary-night", "did you mean 'starry-night'?"),
        (2, "stylize photo.png -s storm --refine 2", "--refine 2 needs the painting itself"),
        (2, "stylize photo.png -o out.png -s storm --style-scale 2", "--style-scale is 2, but the style 'storm'"),
        (1, "stylize photo.png -s storm --mask storm", "keeps only statistics of the painting"),
        (1, "encode storm", "storm: keeps only statistics of the painting"),
        (1, "compare photo.png -s storm", "storm: keeps only statistics of the painting"),
        (1, "attention photo.png -s storm --at 1,1", "storm: keeps only statistics of the painting"),
        (1, "stylize storm -s style.png", "storm"),
        (1, "nowhere.jpg -s style.png", "impasto: nowhere.jpg: there is no such file\n"),
        (2, "photo.png style.png", "; did you mean: impasto photo.png --style style.png\n"),
        (2, "stylize photo.png style.png", "--style is missing: the painting whose style to use; did you mean"),
        (2, "photo.png style.png -o x8.png", "did you mean: impasto photo.png --style style.png -o x8.png\n"),
        (2, "-o x8.png -s style.png photo.png", "did you mean: impasto photo.png --style style.png -o x8.png\n"),
        (2, "-s style.png photo.png", "before --style; did you mean: impasto photo.png --style style.png\n"),
        (2, "photo.png -s style.png -o out", "--output is out, but must be a file, such as out.png, or a folder, out/"),
        (1, "nowhere.mp4 -s style.png", "nowhere.mp4: is a film, which impasto video paints"),
        (1, "clip.MOV -s style.png", "clip.MOV: is a film, which impasto video paints"),
        (1, "stylize nowhere.MOV -s style.png", "nowhere.MOV: is a film, which impasto video paints"),
        (1, "compare nowhere.mp4 -s style.png", "nowhere.mp4: is a film, which impasto video paints"),
        (1, "- -s style.png -o -", "standard input: it is empty"),
        (2, "- -s - -o -", "- is given twice, but standard input is one picture"),
        (2, "photo.png style.png -s style.png -o -", "holds one painting, but there are 2"),
        (2, "photo.png -s style.png -o - --json", "--json needs a file"),
        (2, "photo.png -s style.png -o - --name {stem}.png", "--name is for a folder"),
        (2, "info photo.png style.png", "impasto: 'style.png' is one word too many"),
        (1, "info empty.png", "impasto: empty.png: "),
        (1, "info text.png", "impasto: text.png: "),
        (1, "info nowhere.png", "impasto: nowhere.png: "),
        (1, f"stylize {LONG} -s style.png", "file name too long"),
        (1, f"stylize photo.png -s {LONG}", "file name too long"),
        (1, f"stylize photo.png -s style.png -o {LONG}", "file name too long"),
        (1, f"stylize photo.png -s style.png -o x.png --decoder {LONG}", "file name too long"),
        (1, f"compare photo.png -s {LONG}", "file name too long"),
        (1, f"evaluate photo.png --content style.png --pair order -o {LONG}", "file name too long"),
        (1, f"attention {LONG} -s style.png --at 1,1", "file name too long"),
        (1, f"data check {LONG}", "file name too long"),
        (1, f"runs list {LONG}", "file name too long"),
        (1, f"survey report {LONG}", "file name too long"),
        (1, f"keys add x --keys {LONG}", "file name too long"),
        (1, f"train cyclegan --data A={LONG} --data B={LONG} --out run", "file name too long"),
        (2, f"--config {LONG} stylize photo.png -s style.png", "file name too long"),
        (
            2,
            "--config none.yaml stylize photo.png -s style.png",
            "impasto: --config none.yaml: there is no such file\n",
        ),
        (2, "stylize photo.png -s style.png -o o.png --losses", "--losses is for paintings that take steps, and the"),
        (2, "stylize photo.png -s style.png -o o.jpg --bits 16", "--bits 16 is for PNG and TIFF, but the output is o"),
        (1, "stylize photo.png --like style.png", "style.png: it carries no record"),
        (2, "stylize photo.png -s style.png --direction B2A", "--direction is for the methods cyclegan, nla-cyclegan"),
        (2, "encode style.png -o x.png", "--output is x.png, but a style's file is named NAME.style.safetensors"),
        (1, "encode nowhere.png", "nowhere.png: there is no such file"),
        (1, "encode style.png -o text.png/x.style.safetensors", "text.png/x.style.safetensors: "),
        (1, "runs list nowhere", "nowhere: "),
        (1, "runs show empty", "impasto: empty: holds no run\n"),
        (2, "weights fetch vgg91", "did you mean 'vgg19'?"),
        (1, "weights fetch vgg19", "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"),
        (1, "stylize photo.png -s style.png -o out.png --encoder vgg19", "'lite' works without any download"),
        (2, "data fetch horse2zebr", "impasto: no data set 'horse2zebr'; did you mean 'horse2zebra'?\n"),
        (2, "data check", "impasto data check needs a folder"),
        (1, "data check nowhere", "impasto: nowhere: there is no such folder\n"),
        (2, "study pooling --evaluated a=b", "--evaluated is for paper-tables"),
    ],
    "stylize photo.png -o out.png --method nla-cyclegan": [
        (2, "", "--weights is missing: the method nla-cyclegan needs"),
        (1, "--weights none", "none: there is no such file"),
        (1, "--weights cyclegan.safetensors", "is of the method cyclegan, but the method is nla-cyclegan\n"),
    ],
    "train": [
        (2, "lite_encodr --data album --out run", "RECIPE is 'lite_encodr', which there is not; did you mean"),
        (2, "cyclegan --data album", "--out FOLDER is missing"),
        (2, "cyclegan --data album --out run", "A=FOLDER or B=FOLDER, or a folder with trainA and trainB in it"),
        (2, "cyclegan --data A=album testB=album --out run", "needs --data B=FOLDER as well"),
        (1, "cyclegan --data A=nowhere B=album --out run", "nowhere: there is no such folder"),
        (2, "lite_encoder --data album --out run", "the recipe lite_encoder needs --teacher FILE: the network to"),
    ],
    "train lite_encoder --data album --teacher other.pth --out run": [
        (2, "--steps 0", "--steps is 0, but must be 1 or more\n"),
        (2, "--preview-every=-1", "--preview-every is -1, but must be 0 or more\n"),
        (2, "--evaluate-every=-1", "--evaluate-every is -1, but must be 0 or more\n"),
        (2, "--best-by PSNR", "the recipe lite_encoder has no use for --best-by\n"),
        (2, "--encoder lite", "the recipe lite_encoder has no use for --encoder\n"),
        (2, "--vgg19 other.pth", "the recipe lite_encoder has no use for --vgg19\n"),
        (2, "--accumulate 2", "the recipe lite_encoder has no use for --accumulate\n"),
        (2, "--accumulate 0", "--accumulate is 0, but must be 1 or more\n"),
        (2, "--devices 0", "--devices is 0, but must be 1 or more\n"),
        (1, "--data nowhere", "nowhere: there is no such folder\n"),
        (2, "--nodes 2", "impasto: --nodes is 2, but nothing says where the machines meet"),
        (2, "--nodes 2 --rendezvous here", "impasto: --rendezvous is 'here', but must be HOST:PORT"),
        (2, "--restarts -1", "impasto: --restarts is -1, but must be 0 or more"),
        (2, "--restarts 1", "impasto: --rendezvous and --restarts are for more processes than one"),
    ],
    "train adain --out run": [
        (2, "--data album", "--data is 'album', but the recipe adain needs content=FOLDER or style=FOLDER\n"),
        (2, "--data content=c style=s painting=c", "--data is 'painting=c', but the recipe adain needs content=FOLDER"),
        (2, "--data content=c", "the recipe adain needs --data style=FOLDER as well\n"),
        (2, "--data style=s", "the recipe adain needs --data content=FOLDER as well\n"),
        (2, "--data content=c style=s --teacher photo.png", "the recipe adain has no use for --teacher\n"),
        (2, "--data content=c style=s --accumulate 2", "the recipe adain has no use for --accumulate\n"),
    ],
    "train nla_cyclegan --show --set": [
        (2, "batch", "'batch', but must be NAME=VALUE"),
        (2, "bacth=4", "has not; did you mean 'batch'"),
        (2, "width=4", "could be generator.width or discriminator.width"),
        (2, "batch=two", "batch is 'two', but must be a whole number"),
        (2, "batch=1.5", "must be a whole number"),
        (2, "batch=0", "batch is 0, but must be 1 or more"),
        (2, "save_every=-1", "must be 0 or more"),
        (2, "cycle_weight=nan", "must be 0 or more"),
        (2, "compose=yes", "must be true or false"),
        (2, "upsampling=none", "must be transposed or resize"),
        (2, "betas=0.5", "must be values separated by commas"),
        (2, "generator=3", "'generator', which the recipe has not"),
    ],
    "stylize album/0.png album/1.png -s style.png": [
        (2, "-o out.png", "--output out.png names one file for 2 paintings"),
        (2, "--grid sheet.png --style-blend 1", "--style-blend mixes styles in one picture, but --grid paints each"),
        (2, "--grid sheet.png --name {stem}.png", "are for single pictures; with --grid"),
        (2, "--grid sheet.png --resume", "are for single pictures; with --grid"),
        (2, "--grid sheet.png --save-every 2 --method gatys", "are for single pictures; with --grid"),
        (1, "--grid style.png --overwrite", "this is an input, which is never overwritten"),
    ],
    "stylize photo.png -s style.png": [
        (2, "--size 0", "--size is 0, but must be 1 or more"),
        (2, "--style-blend 1,2", "--style-blend has 2 weights for 1 styles"),
        (2, "--method gatys --content-layers relu4_2:x", "--content-layers: 'relu4_2:x'"),
        (2, "--method gatys --preset draf", "paper-gatys; did you mean 'draft'?"),
        (2, "--method gatys --seed -1", "--seed is -1"),
        (2, "--color red", 'Invalid value "red" for --color'),
        (2, "--color match --method cyclegan", "--color is 'match', but must be one of style, keep"),
        (2, "--size big", "--size is 'big', but must be a whole number 1 or more ("),
        (2, "--detail 50%", "--detail is '50%', but must be a number from 0 to 1; did you mean 0.5?"),
        (2, "--strength 0,5", "--strength is '0,5', but must be a number from 0 to 3; did you mean 0.5?"),
        (2, "--style-blend 0.7 0.3", "--style-blend takes one value, but there are 2: 0.7 0.3; write 0.7,0.3"),
        (2, "--size 100 200", "--size takes one value, but there are 2: 100 200 ("),
        (2, "--name a b", "--name takes one value, but there are 2: a b ("),
    ],
    "stylize --method gatys": [
        (1, "none.png -s style.png", "none.png: there is no such file"),
        (1, "photo.png -s none.png", "none.png: there is no such file"),
        (1, "photo.png -s swirl", "did you mean 'swirls'?"),
        (1, "photo.png -s style.png", "photo-impasto.png: the file exists"),
        (1, "empty -s style.png", "empty: this folder holds no pictures"),
        (1, "'x*.png' -s style.png", "x*.png: no picture matches"),
        (1, "photo.png -o out.gif -s style.png", "out.gif: .gif is not a format to write"),
        (2, "photo.png --device abacus -s style.png", "device is 'abacus'"),
        (2, "photo.png --device cuda:99 -s style.png", "CUDA devices here"),
        (2, "photo.png --vgg19 x.pth -o out.png -s style.png", "--vgg19 is a file of the encoder vgg19"),
        (2, "photo.png --style-layers relu9_9 -o out.png -s style.png", "--style-layers names 'relu9_9'"),
        (1, "photo.png --pixel-limit 100 -o out.png -s style.png", "more than 100 pixels"),
        (2, "photo.png --pixel-limit 0 -s style.png", "--pixel-limit is 0"),
        (2, "photo.png --save-every 0 -s style.png", "--save-every is 0"),
        (1, "photo.png --init none.png -o out.png -s style.png", "none.png: there is no such file"),
        (2, "photo.png -o out.png --name '{stem}.png' -s style.png", "--name is for a folder"),
        (2, "photo.png --name '{stme}.png' -s style.png", "did you mean '{stem}'?"),
        (2, "photo.png --name '{stem.x}.png' -s style.png", "--name knows no {stem.x}"),
        (2, "photo.png --name '{stem' -s style.png", "is not a pattern"),
        (2, "photo.png --name '{}' -s style.png", "--name knows no {}"),
        (2, "photo.png --name '{stem:d}' -s style.png", "is not a pattern"),
    ],
    "stylize photo.png -o out.png": [
        (1, "--mask none.png -s style.png", "none.png: there is no such file"),
        (2, "--mask left.png --mask left.png -s style.png", "masks are 2 and styles 1"),
        (2, "--mask rest -s style.png", "masks are all empty"),
        (2, "--mask left.png --style-blend 1 -s style.png", "--style-blend mixes styles everywhere"),
        (2, "--mask left.png --grid sheet.png -s style.png", "--mask gives styles their places in one picture"),
        (1, "--mask photo.txt -s style.png", "photo.txt"),
        (2, "--strength -1 -s style.png", "--strength is -1"),
        (2, "--colour blue -s style.png", "blue"),
        (2, "--refine -3 -s style.png", "--refine is -3"),
        (2, "--steps 3 -s style.png", "--steps is for the method gatys, but the method is adain"),
        (
            2,
            "--method gatys --strength 0.5 -s style.png",
            "--strength is for the method adain, but the method is",
        ),
        (2, "--refine 2 --init noise -s style.png", "--init cannot be chosen when refining"),
        (2, "--save-every 2 -s style.png", "--save-every is for paintings that take steps"),
        (1, "--decoder none.safetensors -s style.png", "none.safetensors: there is no such file"),
        (1, "-s none.style.safetensors", "none.style.safetensors: there is no such file"),
        (1, "-s broken.style.safetensors", "broken.style.safetensors: is damaged"),
    ],
    "stylize photo.png -o out.png --method cyclegan --weights none": [
        (2, "--style style.png", "style cannot be given: the weights of the method cyclegan are its style"),
        (2, "--mask style.png", "masks say where styles go, but the method cyclegan is shown none"),
        (2, "--grid sheet.png", "--grid shows contents in several styles, but the method cyclegan has one"),
        (2, "--style-scale 2", "--style-scale is for the methods adain, gatys, but the method is cyclegan"),
        (2, "--encoder vgg19", "--encoder is for the methods adain, gatys, but the method is cyclegan"),
        (2, "--colour match", "--colour is 'match', but must be one of style, keep"),
        (2, "--save-every 2", "--save-every is for paintings that take steps, and the method cyclegan takes one"),
        (2, "--direction B", "B"),
    ],
    "batch --workers 1 --device cpu": [
        (2, "-o out -s style.png", "INPUTS are missing"),
        (2, "album -s style.png", "--output is missing"),
        (2, "album -o out --per-shard 0 -s style.png", "--per-shard is 0, but must be 1 or more"),
        (2, "album -o out --gpus 1 -s style.png", "--gpus is for Ray"),
        (2, "album -o out --bits 16 --format jpg -s style.png", "--bits 16 is for PNG and TIFF"),
        (2, "album -o nosuch://out -s style.png", "nosuch://out: this address cannot be used"),
        (2, "album -o album -s style.png", "album: lies in the output, or is it"),
        (1, "album -o out -s nostyle", "impasto: nostyle: there is no such file"),
        (2, "album -o out", "impasto: at least one style is needed"),
        (1, "none -o out -s style.png", "impasto: none: there are no pictures there\n"),
    ],
    "styles": [
        (1, "none.png", "none.png"),
        (2, "-o sheet.jpg", "--output is for a sheet"),
        (2, "photo.png --json", "--json is for the list"),
        (1, "photo.png -o photo.png --overwrite", "photo.png"),
        (2, "photo.png --colour match", "--colour"),
        (2, "photo.png --quality finer", "--quality"),
        (2, "photo.png --refine 3", "--refine"),
    ],
    "attention photo.png -s style.png": [
        (2, "--at 1,1 -o look.jpg", "--output is look.jpg, but must be NAME.png or NAME.html"),
        (2, "", "--at names no place"),
        (2, "--at 100,1", "place '100,1' lies outside the picture of 32 x 24 pixels"),
        (2, "--at 1,1 --attention-layers relu9_1", "--attention-layers names 'relu9_1'"),
        (2, "--at 1,1 --style-scale 0", "--style-scale is 0"),
        (2, "--at 1,1 --attention-features deep", "for --attention-features. Choose from"),
    ],
    "attention photo.png": [
        (2, "--method cyclegan", 'for --method. Choose from: "gatys", "nla-cyclegan", "aggan", "semantic-gan"'),
        (2, "--method nla-cyclegan", "--weights is missing: the method nla-cyclegan needs"),
        (2, "--method nla-cyclegan --style style.png", "--style is not for nla-cyclegan"),
        (2, "--method nla-cyclegan --encoder vgg19", "--encoder is for the methods adain, gatys, but"),
        (2, "--style style.png --direction B2A", "--direction is for the methods cyclegan, nla-cyclegan"),
        (2, "--at 1,1", "--style is missing: the painting that the method gatys looks in"),
        (1, "--method nla-cyclegan --weights none", "none: there is no such file"),
    ],
    "study": [
        (2, "rotation", "no study 'rotation'; there are ratio-sweep, "),
        (2, "poling", "no study 'poling'; did you mean 'pooling'?"),
        (2, "ratio-sweep --values a", "--values is 'a', but must be numbers like 1,1e3,1e6"),
        (2, "pooling --values 1", "--values are for studies of one number, which pooling is not"),
        (1, "pooling --content nowhere.png", "nowhere.png"),
        (2, "pooling --size 0", "size is 0"),
        (2, "pooling --data A=photos", "--data is not for the study pooling"),
        (2, "pooling --slim", "--slim is not for the study pooling"),
        (2, "nadam-vs-adam --style swirls --data A=a", "--style is not for the study nadam-vs-adam"),
        (2, "nadam-vs-adam --overwrite", "--overwrite is not for the study nadam-vs-adam"),
        (2, "nadam-vs-adam", "--data needs A=FOLDER and B=FOLDER"),
        (2, "nadam-vs-adam --data A=a C=b", "--data is 'C=b', but must be A=FOLDER or B=FOLDER"),
        (1, "nadam-vs-adam --data A=no B=no", "no: there is no such folder"),
    ],
    "compare": [
        (2, "photo.png --style style.png --methods adain+fine", "+fine in adain+fine is unknown"),
        (2, "photo.png --style style.png --size -1", "--size is -1"),
        (2, "photo.png --style style.png --methods cyclegan", "cyclegan needs :weights=FILE"),
        (2, "photo.png --style style.png ./style.png", "two styles are called style"),
        (2, "photo.png", "--style"),
    ],
    "evaluate": [
        (2, "", "either outputs to evaluate, or trained runs"),
        (2, "outputs --run run", "either outputs to evaluate, or trained runs"),
        (2, "outputs", "none was given"),
        (2, "outputs --content content --data A=x", "--data is for --run"),
        (2, "--run run --content content", "--content is for outputs"),
        (2, "--run run --data A=x", "--data needs B=FOLDER"),
        (2, "--run run --data C=x", "must be A=FOLDER or B=FOLDER"),
        (2, "--run run --data A=x B=y --size -1", "--size is -1"),
    ],
    "survey create one.survey --content c --style s": [
        (2, "-r a=r -r a=other", "names the method a twice"),
        (2, "-r r -r other", "METHOD=FOLDER"),
        (2, "-r =r", "METHOD=FOLDER"),
        (2, "-r r --pairs 0", "--pairs is 0"),
        (1, "-r r --pairs 4", "there are results of 3 pairs"),
        (2, "-r r --ask ab", "two methods or more"),
        (2, "-r r --ask stars", "must be of rate, ab, rank"),
        (2, "-r r --participants 0", "participants is 0"),
        (2, "-r r --size 1", "size is 1"),
        (2, f"-r r --title {'x' * 3000}", "title has more than"),
        (2, "-r r --url ftp://x", "must begin with http"),
        (1, "-r none", "there is no such folder"),
        (2, "", "--result"),
    ],
    "survey": [
        (2, "serve", "FILE"),
        (1, "serve none", "none: there is no such file"),
        (1, "serve photo.png", "photo.png: cannot be used as a survey"),
        (2, "serve photo.png --port 70000", "--port is 70000"),
        (2, "serve photo.png --allow-host a:80", "--allow-host is 'a:80', but must be a name"),
        (1, "report none", "none: there is no such file"),
        (2, "report photo.png --resamples 1", "--resamples is 1"),
        (2, "report photo.png --seed -1", "--seed is -1"),
    ],
    "weights normalise --data album": [
        (2, "-o own.pth", "must end in .safetensors"),
        (1, "-o taken.safetensors", "the file exists"),
        (2, "-o own.safetensors --size 0", "--size is 0"),
        (2, "-o own.safetensors --limit 0", "--limit is 0"),
        (1, "-o own.safetensors --encoder vgg19 --vgg19 none.pth", "none.pth: "),
        (1, "-o own.safetensors --data nowhere", "nowhere: there is no such folder"),
    ],
    "weights import": [
        (1, "none.pth -o out.safetensors", "none.pth: there is no such file"),
        (1, ". -o out.safetensors", "cannot be read"),
        (1, "damaged.pth -o out.safetensors", "damaged.pth: is damaged or is not a PyTorch checkpoint"),
        (1, "code.pth -o out.safetensors", "code.pth: holds program code besides tensors"),
        (1, "other.pth -o out.safetensors", "other.pth: is of no layout that impasto knows"),
        (1, "other.pth --layout adain-decoder -o out.safetensors", "is no whole adain-decoder"),
        (2, "other.pth --layout adain -o out.safetensors", "no layout 'adain'; there are adain-encoder, adain-decoder"),
        (2, "other.pth -o out.pth", "must end in .safetensors"),
    ],
    "serve": [
        (2, "--host 0.0.0.0", "--host 0.0.0.0 lets others in: give --keys FILE"),
        (2, "--host ::", "--host :: lets others in"),
        (2, "--proxy 127.0.0.1", "--proxy 127.0.0.1 lets others in: give --keys FILE"),
        (2, "--proxy 127.0.0.1 --allow-host paint.example", "--proxy 127.0.0.1 lets others in"),
        (2, "--allow-host http://paint.example", "--allow-host is 'http://paint.example', but must be a name"),
        (2, "--port 70000", "--port is 70000"),
        (2, "--weights vgg19", "--weights is 'vgg19', but must be NAME=FILE"),
        (2, "--weights vgg19=none.pth", "weights of vgg19: there is no file"),
        (2, "--styles none", "none: there is no such folder of styles"),
        (2, "--queue 0", "queue is 0"),
        (2, "--replica One", "--replica is 'One', but must be up to 63 small letters"),
        (2, "--lanes 2", "--lanes is 2, but nothing says on which cluster"),
        (2, "--workers ray://head:10001 --lanes 0", "--lanes is 0, but must be 1 or more"),
        (2, "--workers ray://head:10001 --device cuda:1", "--device is 'cuda:1', but with --workers must be one of"),
        (2, "--styles-each 0", "--styles-each is 0"),
        (2, "--wait-seconds -1", "--wait-seconds is -1.0"),
    ],
    "bot": [
        (2, "--base-url api.telegram.org", "--base-url is 'api.telegram.org', but must be like https://"),
        (2, "--allow 0", "--allow is 0, but users' numbers are greater than 0"),
        (2, "--styles none", "none: there is no such folder of styles"),
        (2, "--queue 0", "queue is 0"),
        (2, "--edit-seconds 0", "--edit-seconds is 0"),
        (2, "--token 1", "Unknown option: --token. Did you mean --token-file?"),
        (1, "--memory none/bot.sqlite", "none/bot.sqlite: what users said cannot be remembered there"),
    ],
}
"""{beginning of the command line: [(exit code, the rest of it, what is said)]}."""


@pytest.fixture(scope="module")
def materials(tmp_path_factory, fill) -> Path:
    """Files and folders for all of them, which no refused command may change."""
    folder = tmp_path_factory.mktemp("materials")
    for name, count in (("album", 4), ("outputs", 2), ("content", 2), ("c", 3), ("s", 3), ("r", 3), ("other", 3)):
        fill(folder / name, count)
    shutil.copy(folder / "album" / "0.png", folder / "photo.png")
    shutil.copy(folder / "album" / "1.png", folder / "style.png")
    (folder / "empty").mkdir()
    half = np.zeros((24, 32), np.uint8)
    half[:, :16] = 255
    Image.fromarray(half).save(folder / "left.png")
    for name in ("photo-impasto.png", "photo.txt", "text.png", "broken.style.safetensors", "taken.safetensors"):
        (folder / name).write_text("mine")
    for name in ("empty.png", "clip.MOV"):
        (folder / name).touch()
    (folder / "damaged.pth").write_bytes(b"PK\3\4" + bytes(99))
    torch.save({"1.weight": torch.zeros(1), "layout": Layout}, folder / "code.pth")
    torch.save({"other.weight": torch.zeros(1)}, folder / "other.pth")
    network = Generator(GeneratorConfig(width=2, blocks=1))
    save_generators(folder / "cyclegan.safetensors", "cyclegan", dict.fromkeys(DIRECTIONS, network), {})
    return folder


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        pytest.param(code, f"{beginning} {rest}".strip(), said, id=f"{beginning} {rest}"[:80])
        for beginning, cases in REFUSED.items()
        for code, rest, said in cases
    ],
)
def test_what_makes_no_sense_is_refused(code, words, said, materials, impasto, monkeypatch):
    for command, needed in NEEDS.items():
        if words.startswith(command):
            pytest.importorskip(needed)
    monkeypatch.chdir(materials)
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setenv("IMPASTO_OFFLINE", "1")
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    before = {path: path.stat().st_mtime for path in materials.rglob("*")}
    impasto(*shlex.split(words)).refuses(code, said)
    assert {path: path.stat().st_mtime for path in materials.rglob("*")} == before

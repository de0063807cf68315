"""The bases of keras.applications: names, sizes, addresses and hashes are those of Keras's own loaders (3.15.1).

Parameters, features and cut points were counted on the built networks; tests/models/test_pretrained.py holds
every row against Keras.
"""

from __future__ import annotations

from msgspec import Struct

from starshift.catalogue.row import Base, Preprocessing


class _Family(Struct, frozen=True):
    """What the members of one family share; see Base."""

    licence: str
    source: str
    preprocessing: Preprocessing = "scale -1 to 1"
    min_size: int = 32
    trained_on: str = "ImageNet-1k, 1.28 million photographs, 1,000 classes"
    store: str = "https://storage.googleapis.com/tensorflow/keras-applications/"


_21K = "ImageNet-21k, 14 million photographs, 21,841 classes; then ImageNet-1k, 1.28 million, 1,000 classes"
_CONVNEXT_PAPER = "Liu et al. 2022, A ConvNet for the 2020s, arXiv:2201.03545"

# Licences as Keras's documentation has them for the weights that it hosts (keras-docs, applications.md); of
# MobileNetV3, EfficientNet, EfficientNetV2 and ConvNeXt, which it leaves out, those of the repositories that
# they were ported from (tensorflow/models, tensorflow/tpu, google/automl, facebookresearch/ConvNeXt).
_MOBILENET = _Family("Apache-2.0", "Howard et al. 2017, MobileNets, arXiv:1704.04861")
_MOBILENET_V2 = _Family("Apache-2.0", "Sandler et al. 2018, MobileNetV2, arXiv:1801.04381")
_MOBILENET_V3 = _Family("Apache-2.0", "Howard et al. 2019, Searching for MobileNetV3, arXiv:1905.02244", "in the model")
_VGG = _Family(
    "CC-BY-4.0",
    "Simonyan and Zisserman 2014, Very Deep Convolutional Networks, arXiv:1409.1556",
    "caffe (BGR, mean subtracted)",
)
_RESNET = _Family("MIT", "He et al. 2015, Deep Residual Learning, arXiv:1512.03385", "caffe (BGR, mean subtracted)")
_RESNET_V2 = _Family("BSD-3-Clause", "He et al. 2016, Identity Mappings, arXiv:1603.05027")
_INCEPTION = _Family("Apache-2.0", "Szegedy et al. 2015, Rethinking Inception, arXiv:1512.00567", min_size=75)
_INCEPTION_RESNET = _Family(
    "Apache-2.0", "Szegedy et al. 2016, Inception-v4 and Inception-ResNet, arXiv:1602.07261", min_size=75
)
_XCEPTION = _Family("MIT", "Chollet 2016, Xception, arXiv:1610.02357", min_size=71)
_DENSENET = _Family(
    "BSD-3-Clause",
    "Huang et al. 2016, Densely Connected Networks, arXiv:1608.06993",
    "torch (0-1, mean/std)",
)
_NASNET = _Family("Apache-2.0", "Zoph et al. 2017, Transferable Architectures, arXiv:1707.07012")
_EFFICIENTNET = _Family(
    "Apache-2.0",
    "Tan and Le 2019, EfficientNet, arXiv:1905.11946",
    "in the model",
    store="https://storage.googleapis.com/keras-applications/",
)
_EFFICIENTNET_V2 = _Family("Apache-2.0", "Tan and Le 2021, EfficientNetV2, arXiv:2104.00298", "in the model")
_CONVNEXT = _Family("MIT", _CONVNEXT_PAPER, "in the model")
_CONVNEXT_21K = _Family("MIT", _CONVNEXT_PAPER, "in the model", trained_on=_21K)


def _base(
    family: _Family,
    name: str,
    title: str,
    constructor: str,
    *,
    size: int,
    features: int,
    parameters: int,
    path: str,  # of the weights file in the family's store
    file: str = "",  # its local name, where that is another
    checksum: str = "",
    cuts: str,  # separated by spaces
) -> Base:
    return Base(
        name=name,
        title=title,
        constructor=constructor,
        size=size,
        min_size=family.min_size,
        preprocessing=family.preprocessing,
        features=features,
        parameters=parameters,
        weights_file=file or path.rpartition("/")[2],
        weights_url=family.store + path,
        weights_hash=checksum,
        licence=family.licence,
        source=family.source,
        trained_on=family.trained_on,
        cut_points=tuple(cuts.split()),
    )


# MobileNet and MobileNetV2 have other files for smaller inputs; those of 224 px serve every size here.
# NASNet's cells each read the two cells before them, so that it can be cut at its stem only.
# fmt: off
ROWS = (
    _base(
        _MOBILENET, "mobilenet", "MobileNet", "MobileNet",
        size=224, features=1024, parameters=3_228_864,
        path="mobilenet/mobilenet_1_0_224_tf_no_top.h5",
        cuts="conv_pw_1_relu conv_pw_2_relu conv_pw_3_relu conv_pw_4_relu conv_pw_5_relu "
        "conv_pw_6_relu conv_pw_7_relu conv_pw_8_relu conv_pw_9_relu conv_pw_10_relu "
        "conv_pw_11_relu conv_pw_12_relu",
    ),
    _base(
        _MOBILENET_V2, "mobilenet_v2", "MobileNetV2", "MobileNetV2",
        size=224, features=1280, parameters=2_257_984,
        path="mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        cuts="expanded_conv_project_BN block_1_project_BN block_2_add block_3_project_BN block_4_add "
        "block_5_add block_6_project_BN block_7_add block_8_add block_9_add block_10_project_BN "
        "block_11_add block_12_add block_13_project_BN block_14_add block_15_add "
        "block_16_project_BN",
    ),
    _base(
        _MOBILENET_V3, "mobilenet_v3_small", "MobileNetV3 Small", "MobileNetV3Small",
        size=224, features=576, parameters=939_120,
        path="mobilenet_v3/weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
        checksum="d3e8ec802a04aa4fc771ee12a9a9b836",
        cuts="expanded_conv_project_bn expanded_conv_1_project_bn expanded_conv_2_add "
        "expanded_conv_3_project_bn expanded_conv_4_add expanded_conv_5_add "
        "expanded_conv_6_project_bn expanded_conv_7_add expanded_conv_8_project_bn "
        "expanded_conv_9_add expanded_conv_10_add",
    ),
    _base(
        _MOBILENET_V3, "mobilenet_v3_large", "MobileNetV3 Large", "MobileNetV3Large",
        size=224, features=960, parameters=2_996_352,
        path="mobilenet_v3/weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
        checksum="07fb09a5933dd0c8eaafa16978110389",
        cuts="expanded_conv_add expanded_conv_1_project_bn expanded_conv_2_add "
        "expanded_conv_3_project_bn expanded_conv_4_add expanded_conv_5_add "
        "expanded_conv_6_project_bn expanded_conv_7_add expanded_conv_8_add expanded_conv_9_add "
        "expanded_conv_10_project_bn expanded_conv_11_add expanded_conv_12_project_bn "
        "expanded_conv_13_add expanded_conv_14_add",
    ),
    _base(
        _VGG, "vgg16", "VGG16", "VGG16",
        size=224, features=512, parameters=14_714_688,
        path="vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        checksum="6d6bbae143d832006294945121d1f1fc",
        cuts="block1_pool block2_pool block3_pool block4_pool",
    ),
    _base(
        _VGG, "vgg19", "VGG19", "VGG19",
        size=224, features=512, parameters=20_024_384,
        path="vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        checksum="253f8cb515780f3b799900260a226db6",
        cuts="block1_pool block2_pool block3_pool block4_pool",
    ),
    _base(
        _RESNET, "resnet50", "ResNet-50", "ResNet50",
        size=224, features=2048, parameters=23_587_712,
        path="resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        checksum="4d473c1dd8becc155b73f8504c6f6626",
        cuts="pool1_pool conv2_block3_out conv3_block4_out conv4_block6_out",
    ),
    _base(
        _RESNET, "resnet101", "ResNet-101", "ResNet101",
        size=224, features=2048, parameters=42_658_176,
        path="resnet/resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5",
        checksum="88cf7a10940856eca736dc7b7e228a21",
        cuts="pool1_pool conv2_block3_out conv3_block4_out conv4_block23_out",
    ),
    _base(
        _RESNET, "resnet152", "ResNet-152", "ResNet152",
        size=224, features=2048, parameters=58_370_944,
        path="resnet/resnet152_weights_tf_dim_ordering_tf_kernels_notop.h5",
        checksum="ee4c566cf9a93f14d82f913c2dc6dd0c",
        cuts="pool1_pool conv2_block3_out conv3_block8_out conv4_block36_out",
    ),
    _base(
        _RESNET_V2, "resnet50_v2", "ResNet-50 V2", "ResNet50V2",
        size=224, features=2048, parameters=23_564_800,
        path="resnet/resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        checksum="fac2f116257151a9d068a22e544a4917",
        cuts="pool1_pool conv2_block3_out conv3_block4_out conv4_block6_out",
    ),
    _base(
        _RESNET_V2, "resnet101_v2", "ResNet-101 V2", "ResNet101V2",
        size=224, features=2048, parameters=42_626_560,
        path="resnet/resnet101v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        checksum="c0ed64b8031c3730f411d2eb4eea35b5",
        cuts="pool1_pool conv2_block3_out conv3_block4_out conv4_block23_out",
    ),
    _base(
        _RESNET_V2, "resnet152_v2", "ResNet-152 V2", "ResNet152V2",
        size=224, features=2048, parameters=58_331_648,
        path="resnet/resnet152v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        checksum="ed17cf2e0169df9d443503ef94b23b33",
        cuts="pool1_pool conv2_block3_out conv3_block8_out conv4_block36_out",
    ),
    _base(
        _INCEPTION, "inception_v3", "Inception v3", "InceptionV3",
        size=299, features=2048, parameters=21_802_784,
        path="inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        checksum="bcbd6486424b2319ff4ef7d526e38f63",
        cuts="mixed0 mixed1 mixed2 mixed3 mixed4 mixed5 mixed6 mixed7 mixed8 mixed9",
    ),
    _base(
        _INCEPTION_RESNET, "inception_resnet_v2", "Inception-ResNet v2", "InceptionResNetV2",
        size=299, features=1536, parameters=54_336_736,
        path="inception_resnet_v2/inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        checksum="d19885ff4a710c122648d3b5c3b684e4",
        cuts="mixed_5b block35_10_ac mixed_6a block17_10_ac block17_20_ac mixed_7a",
    ),
    _base(
        _XCEPTION, "xception", "Xception", "Xception",
        size=299, features=2048, parameters=20_861_480,
        path="xception/xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
        checksum="b0042744bf5b25fce3cb969f33bebb97",
        cuts="block1_conv2_act add add_1 add_2 add_3 add_4 add_5 add_6 add_7 add_8 add_9 add_10 add_11",
    ),
    _base(
        _DENSENET, "densenet121", "DenseNet-121", "DenseNet121",
        size=224, features=1024, parameters=7_037_504,
        path="densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
        checksum="30ee3e1110167f948a6b9946edeeb738",
        cuts="pool1 pool2_pool pool3_pool pool4_pool",
    ),
    _base(
        _DENSENET, "densenet169", "DenseNet-169", "DenseNet169",
        size=224, features=1664, parameters=12_642_880,
        path="densenet/densenet169_weights_tf_dim_ordering_tf_kernels_notop.h5",
        checksum="b8c4d4c20dd625c148057b9ff1c1176b",
        cuts="pool1 pool2_pool pool3_pool pool4_pool",
    ),
    _base(
        _DENSENET, "densenet201", "DenseNet-201", "DenseNet201",
        size=224, features=1920, parameters=18_321_984,
        path="densenet/densenet201_weights_tf_dim_ordering_tf_kernels_notop.h5",
        checksum="c13680b51ded0fb44dff2d8f86ac8bb1",
        cuts="pool1 pool2_pool pool3_pool pool4_pool",
    ),
    _base(
        _NASNET, "nasnet_mobile", "NASNet Mobile", "NASNetMobile",
        size=224, features=1056, parameters=4_269_716,
        file="nasnet_mobile_no_top.h5",
        path="nasnet/NASNet-mobile-no-top.h5",
        checksum="1ed92395b5b598bdda52abe5c0dbfd63",
        cuts="stem_bn1",
    ),
    _base(
        _NASNET, "nasnet_large", "NASNet Large", "NASNetLarge",
        size=331, features=4032, parameters=84_916_818,
        file="nasnet_large_no_top.h5",
        path="nasnet/NASNet-large-no-top.h5",
        checksum="d81d89dc07e6e56530c4e77faddd61b5",
        cuts="stem_bn1",
    ),
    _base(
        _EFFICIENTNET, "efficientnet_b0", "EfficientNet-B0", "EfficientNetB0",
        size=224, features=1280, parameters=4_049_571,
        path="efficientnetb0_notop.h5",
        checksum="50bc09e76180e00e4465e1a485ddc09d",
        cuts="block1a_project_bn block2b_add block3b_add block4c_add block5c_add block6d_add "
        "block7a_project_bn",
    ),
    _base(
        _EFFICIENTNET, "efficientnet_b1", "EfficientNet-B1", "EfficientNetB1",
        size=240, features=1280, parameters=6_575_239,
        path="efficientnetb1_notop.h5",
        checksum="74c4e6b3e1f6a1eea24c589628592432",
        cuts="block1b_add block2c_add block3c_add block4d_add block5d_add block6e_add block7b_add",
    ),
    _base(
        _EFFICIENTNET, "efficientnet_b2", "EfficientNet-B2", "EfficientNetB2",
        size=260, features=1408, parameters=7_768_569,
        path="efficientnetb2_notop.h5",
        checksum="111f8e2ac8aa800a7a99e3239f7bfb39",
        cuts="block1b_add block2c_add block3c_add block4d_add block5d_add block6e_add block7b_add",
    ),
    _base(
        _EFFICIENTNET, "efficientnet_b3", "EfficientNet-B3", "EfficientNetB3",
        size=300, features=1536, parameters=10_783_535,
        path="efficientnetb3_notop.h5",
        checksum="af6d107764bb5b1abb91932881670226",
        cuts="block1b_add block2c_add block3c_add block4e_add block5e_add block6f_add block7b_add",
    ),
    _base(
        _EFFICIENTNET, "efficientnet_b4", "EfficientNet-B4", "EfficientNetB4",
        size=380, features=1792, parameters=17_673_823,
        path="efficientnetb4_notop.h5",
        checksum="ebc24e6d6c33eaebbd558eafbeedf1ba",
        cuts="block1b_add block2d_add block3d_add block4f_add block5f_add block6h_add block7b_add",
    ),
    _base(
        _EFFICIENTNET, "efficientnet_b5", "EfficientNet-B5", "EfficientNetB5",
        size=456, features=2048, parameters=28_513_527,
        path="efficientnetb5_notop.h5",
        checksum="38879255a25d3c92d5e44e04ae6cec6f",
        cuts="block1c_add block2e_add block3e_add block4g_add block5g_add block6i_add block7c_add",
    ),
    _base(
        _EFFICIENTNET, "efficientnet_b6", "EfficientNet-B6", "EfficientNetB6",
        size=528, features=2304, parameters=40_960_143,
        path="efficientnetb6_notop.h5",
        checksum="9ecce42647a20130c1f39a5d4cb75743",
        cuts="block1c_add block2f_add block3f_add block4h_add block5h_add block6k_add block7c_add",
    ),
    _base(
        _EFFICIENTNET, "efficientnet_b7", "EfficientNet-B7", "EfficientNetB7",
        size=600, features=2560, parameters=64_097_687,
        path="efficientnetb7_notop.h5",
        checksum="cbcfe4450ddf6f3ad90b1b398090fe4a",
        cuts="block1d_add block2g_add block3g_add block4j_add block5j_add block6m_add block7d_add",
    ),
    _base(
        _EFFICIENTNET_V2, "efficientnet_v2_b0", "EfficientNetV2-B0", "EfficientNetV2B0",
        size=224, features=1280, parameters=5_919_312,
        path="efficientnet_v2/efficientnetv2-b0_notop.h5",
        checksum="893217f2bb855e2983157299931e43ff",
        cuts="block1a_project_activation block2b_add block3b_add block4c_add block5e_add block6h_add",
    ),
    _base(
        _EFFICIENTNET_V2, "efficientnet_v2_b1", "EfficientNetV2-B1", "EfficientNetV2B1",
        size=240, features=1280, parameters=6_931_124,
        path="efficientnet_v2/efficientnetv2-b1_notop.h5",
        checksum="0e80663031ca32d657f9caa404b6ec37",
        cuts="block1b_add block2c_add block3c_add block4d_add block5f_add block6i_add",
    ),
    _base(
        _EFFICIENTNET_V2, "efficientnet_v2_b2", "EfficientNetV2-B2", "EfficientNetV2B2",
        size=260, features=1408, parameters=8_769_374,
        path="efficientnet_v2/efficientnetv2-b2_notop.h5",
        checksum="1dfe2e7a5d45b6632553a8961ea609eb",
        cuts="block1b_add block2c_add block3c_add block4d_add block5f_add block6j_add",
    ),
    _base(
        _EFFICIENTNET_V2, "efficientnet_v2_b3", "EfficientNetV2-B3", "EfficientNetV2B3",
        size=300, features=1536, parameters=12_930_622,
        path="efficientnet_v2/efficientnetv2-b3_notop.h5",
        checksum="f6abf7b5849ac99a89b50dd3fd532856",
        cuts="block1b_add block2c_add block3c_add block4e_add block5g_add block6l_add",
    ),
    _base(
        _EFFICIENTNET_V2, "efficientnet_v2_s", "EfficientNetV2-S", "EfficientNetV2S",
        size=384, features=1280, parameters=20_331_360,
        path="efficientnet_v2/efficientnetv2-s_notop.h5",
        checksum="af0682fb74e8c54910f2d4393339c070",
        cuts="block1b_add block2d_add block3d_add block4f_add block5i_add block6o_add",
    ),
    _base(
        _EFFICIENTNET_V2, "efficientnet_v2_m", "EfficientNetV2-M", "EfficientNetV2M",
        size=480, features=1280, parameters=53_150_388,
        path="efficientnet_v2/efficientnetv2-m_notop.h5",
        checksum="1b8dc055df72dde80d614482840fe342",
        cuts="block1c_add block2e_add block3e_add block4g_add block5n_add block6r_add block7e_add",
    ),
    _base(
        _EFFICIENTNET_V2, "efficientnet_v2_l", "EfficientNetV2-L", "EfficientNetV2L",
        size=480, features=1280, parameters=117_746_848,
        path="efficientnet_v2/efficientnetv2-l_notop.h5",
        checksum="b0b66b5c863aef5b46e8608fe1711615",
        cuts="block1d_add block2g_add block3g_add block4j_add block5s_add block6y_add block7g_add",
    ),
    _base(
        _CONVNEXT, "convnext_tiny", "ConvNeXt Tiny", "ConvNeXtTiny",
        size=224, features=768, parameters=27_820_128,
        path="convnext/convnext_tiny_notop.h5",
        checksum="d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
        cuts="convnext_tiny_stem convnext_tiny_downsampling_block_0 convnext_tiny_downsampling_block_1 "
        "convnext_tiny_downsampling_block_2",
    ),
    _base(
        _CONVNEXT, "convnext_small", "ConvNeXt Small", "ConvNeXtSmall",
        size=224, features=768, parameters=49_454_688,
        path="convnext/convnext_small_notop.h5",
        checksum="6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
        cuts="convnext_small_stem convnext_small_downsampling_block_0 "
        "convnext_small_downsampling_block_1 convnext_small_downsampling_block_2",
    ),
    _base(
        _CONVNEXT_21K, "convnext_base", "ConvNeXt Base", "ConvNeXtBase",
        size=224, features=1024, parameters=87_566_464,
        path="convnext/convnext_base_notop.h5",
        checksum="40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
        cuts="convnext_base_stem convnext_base_downsampling_block_0 convnext_base_downsampling_block_1 "
        "convnext_base_downsampling_block_2",
    ),
    _base(
        _CONVNEXT_21K, "convnext_large", "ConvNeXt Large", "ConvNeXtLarge",
        size=224, features=1536, parameters=196_230_336,
        path="convnext/convnext_large_notop.h5",
        checksum="96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
        cuts="convnext_large_stem convnext_large_downsampling_block_0 "
        "convnext_large_downsampling_block_1 convnext_large_downsampling_block_2",
    ),
    _base(
        _CONVNEXT_21K, "convnext_xlarge", "ConvNeXt XLarge", "ConvNeXtXLarge",
        size=224, features=2048, parameters=348_147_968,
        path="convnext/convnext_xlarge_notop.h5",
        checksum="de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
        cuts="convnext_xlarge_stem convnext_xlarge_downsampling_block_0 "
        "convnext_xlarge_downsampling_block_1 convnext_xlarge_downsampling_block_2",
    ),
)
# fmt: on

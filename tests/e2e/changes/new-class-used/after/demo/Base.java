package demo;

abstract class Base {

}
